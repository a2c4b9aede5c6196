import { setTimeout as sleep } from 'node:timers/promises';
import type { Row, Side } from './result.js';

export interface Contender {
  readonly name: string;
  readonly side: Side;
  readonly threads: number;
  /** Steps of its outer loop, which take equal time; 1 for a contender that can only do all of its work. */
  readonly steps: number;
  /** Does the first `steps` steps. @returns the seconds it took, as the contender measured them */
  run(steps: number): Promise<number>;
}

export interface Effort {
  /** Counted runs of each contender. */
  readonly rounds: number;
  /** A run of a contender that would take longer does a part of its steps instead. */
  readonly secondsPerRun: number;
  /** A contender that has spent this long on three or more runs sits out the other rounds. */
  readonly secondsInAll: number;
}

const FEWEST_RUNS = 3;
/** Workers of OpenBLAS and OpenMP spin for some 25 ms after their work, on cores that the next contender needs. */
const SPIN_MILLISECONDS = 50;

/**
 * Times contenders in turn, A B A B …, after one warm-up of each, so that a machine whose speed drifts slows all alike.
 * @param onFailure told of a contender that threw; it is left out
 */
export async function interleave(
  contenders: readonly Contender[],
  { rounds, secondsPerRun, secondsInAll }: Effort,
  onFailure: (contender: Contender, error: Error) => void,
): Promise<Row[]> {
  const entries = contenders.map((contender) => ({
    contender,
    steps: contender.steps,
    seconds: [] as number[],
    failed: false,
  }));
  type Entry = (typeof entries)[number];
  const attempt = async (entry: Entry, steps: number): Promise<number> => {
    try {
      const seconds = await entry.contender.run(steps);
      if (entry.contender.side === 'peer') await sleep(SPIN_MILLISECONDS);
      return seconds;
    } catch (error) {
      entry.failed = true;
      onFailure(entry.contender, error as Error);
      return 0;
    }
  };
  for (const entry of entries) {
    const few = Math.ceil(entry.contender.steps / 64);
    const seconds = await attempt(entry, few);
    const affordable = Math.floor((few * secondsPerRun) / seconds);
    entry.steps = Math.max(few, Math.min(entry.contender.steps, affordable));
    if (entry.steps > few && !entry.failed) await attempt(entry, entry.steps);
  }
  for (let round = 0; round < rounds; round++) {
    for (const entry of entries) {
      const spent = entry.seconds.reduce((sum, value) => sum + value, 0);
      if (entry.failed || (entry.seconds.length >= FEWEST_RUNS && spent > secondsInAll)) continue;
      entry.seconds.push(await attempt(entry, entry.steps));
    }
  }
  return entries
    .filter(({ failed }) => !failed)
    .map(({ contender: { name, side, threads, steps: all }, steps, seconds }) => ({
      name,
      side,
      threads,
      share: steps / all,
      seconds,
    }));
}

/** A contender of this process, timed here. */
export function timed(run: (steps: number) => Promise<unknown>): Contender['run'] {
  return async (steps) => {
    const start = performance.now();
    await run(steps);
    return (performance.now() - start) / 1000;
  };
}
