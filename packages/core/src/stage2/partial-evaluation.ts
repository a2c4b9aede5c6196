import type { LoadedModel } from '../evaluator/index.js';
import type { Logits } from '../logits/index.js';
import type { CallOptions } from '../progress.js';
import { type Evaluated, NOT_EVALUATED } from './evaluated.js';
import type { MeasuredPart, SoupInParts } from './mixture-scorer.js';

/** How a split scores one soup. */
export interface PartialSource {
  /** The soup with its weights in memory. */
  open(signal: AbortSignal): Promise<LoadedModel>;
  /** Score of the soup's logits for these samples of the split, in their order. */
  score(logits: Logits, samples: Uint32Array, signal: AbortSignal): Promise<Evaluated>;
}

/** A soup that a `SplitScorer` evaluates in parts. What is known of it is not evaluated again. */
export class PartialEvaluation implements SoupInParts {
  #soup: Promise<LoadedModel> | undefined;

  /** @param known 1, 0 or `NOT_EVALUATED` for each sample of the split */
  constructor(
    private readonly source: PartialSource,
    private readonly known: Uint8Array | undefined,
  ) {}

  async measure(parts: readonly Uint32Array[], options: CallOptions = {}): Promise<MeasuredPart[]> {
    const { signal = new AbortController().signal } = options;
    const remembered = parts.map((part) => this.#remembered(part));
    const unknown = parts.filter((_, at) => remembered[at] === undefined);
    if (unknown.length === 0) return remembered as MeasuredPart[];
    const samples = Uint32Array.from(unknown.flatMap((part) => [...part]));
    this.#soup ??= this.source.open(signal);
    const logits = await (await this.#soup).logits(samples, { signal });
    let first = 0;
    const measured: MeasuredPart[] = [];
    for (const [at, part] of parts.entries()) {
      const known = remembered[at];
      measured.push(known ?? (await this.#score(rows(logits, first, part.length), part, signal)));
      if (known === undefined) first += part.length;
    }
    return measured;
  }

  async close(): Promise<void> {
    const soup = await this.#soup?.catch(() => undefined);
    await soup?.close();
  }

  async #score(logits: Logits, part: Uint32Array, signal: AbortSignal): Promise<MeasuredPart> {
    const { score, correct } = await this.source.score(logits, part, signal);
    return correct === undefined ? { total: score * part.length } : { total: sum(correct), correct };
  }

  #remembered(part: Uint32Array): MeasuredPart | undefined {
    if (this.known === undefined) return undefined;
    const correct = Uint8Array.from(part, (sample) => this.known?.[sample] as number);
    return correct.includes(NOT_EVALUATED) ? undefined : { total: sum(correct), correct };
  }
}

function sum(bits: Uint8Array): number {
  return bits.reduce((total, bit) => total + bit, 0);
}

function rows({ values, classes }: Logits, first: number, samples: number): Logits {
  return { values: values.subarray(first * classes, (first + samples) * classes), samples, classes };
}
