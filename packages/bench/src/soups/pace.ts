import { readFileSync } from 'node:fs';
import { writeTextAtomically } from '@radin/core';

/** How long evaluations take when as many run at once as there are threads, over this run and the earlier ones that a file tells of. */
export class Pace {
  readonly #path: string | undefined;
  #before = { soups: 0, seconds: 0 };
  #soups = 0;
  #seconds = 0;
  #running = 0;
  #since = 0;

  constructor(path: string | undefined) {
    this.#path = path;
    if (path !== undefined) this.#before = readPace(path);
  }

  /** Counts one evaluation; time passes while at least one runs. */
  async timed<T>(evaluate: () => Promise<T>): Promise<T> {
    if (this.#running++ === 0) this.#since = performance.now();
    try {
      const found = await evaluate();
      this.#soups++;
      return found;
    } finally {
      if (--this.#running === 0) this.#seconds += (performance.now() - this.#since) / 1000;
    }
  }

  /** Evaluations that were measured. */
  get soups(): number {
    return this.#before.soups + this.#soups;
  }

  /** Mean of one evaluation, of all samples; undefined before there was one. */
  get secondsEach(): number | undefined {
    return this.soups === 0 ? undefined : (this.#before.seconds + this.#seconds) / this.soups;
  }

  /** Keeps it for later runs, which may have nothing to measure. */
  async save(): Promise<void> {
    if (this.#path === undefined || this.#soups === 0) return;
    await writeTextAtomically(
      this.#path,
      `${JSON.stringify({ soups: this.soups, seconds: this.#before.seconds + this.#seconds })}\n`,
    );
  }
}

function readPace(path: string): { soups: number; seconds: number } {
  try {
    const { soups, seconds } = JSON.parse(readFileSync(path, 'utf8')) as { soups: unknown; seconds: unknown };
    if (Number.isSafeInteger(soups) && (soups as number) > 0 && (seconds as number) > 0) {
      return { soups: soups as number, seconds: Number(seconds) };
    }
  } catch {
    // None yet, or not ours: this run measures.
  }
  return { soups: 0, seconds: 0 };
}
