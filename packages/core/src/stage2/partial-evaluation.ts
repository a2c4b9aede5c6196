import type { LoadedModel } from '../evaluator/index.js';
import type { Logits } from '../logits/index.js';
import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { type Evaluated, NOT_EVALUATED } from './evaluated.js';
import type { MeasuredPart, SoupInParts } from './mixture-scorer.js';
import type { PartTotals } from './part-totals.js';

/** What a `SplitScorer` does for one soup. */
export interface PartialSource {
  readonly partTotals: PartTotals;
  /** The soup with its weights in memory. */
  openSoup(mixture: Mixture, signal: AbortSignal): Promise<LoadedModel>;
  /** What the soup gets on each part; `run` is asked for the logits of those that no earlier run remembers. */
  scoreParts(
    mixture: Mixture,
    parts: readonly Uint32Array[],
    run: (samples: Uint32Array) => Promise<Logits>,
    signal: AbortSignal,
  ): Promise<Evaluated[]>;
}

/** A soup that a `SplitScorer` evaluates in parts. What is known of it is not evaluated again. */
export class PartialEvaluation implements SoupInParts {
  #soup: Promise<LoadedModel> | undefined;

  /** @param known 1, 0 or `NOT_EVALUATED` for each sample of the split */
  constructor(
    private readonly source: PartialSource,
    private readonly mixture: Mixture,
    private readonly known: Uint8Array | undefined,
  ) {}

  async measure(parts: readonly Uint32Array[], options: CallOptions = {}): Promise<MeasuredPart[]> {
    const { signal = new AbortController().signal } = options;
    const remembered = parts.map((part) => this.#remembered(part));
    const unknown = parts.filter((_, at) => remembered[at] === undefined);
    if (unknown.length === 0) return remembered as MeasuredPart[];
    const run = async (samples: Uint32Array) => {
      this.#soup ??= this.source.openSoup(this.mixture, signal);
      return (await this.#soup).logits(samples, { signal });
    };
    const scored = await this.source.scoreParts(this.mixture, unknown, run, signal);
    const found = new Map(unknown.map((part, at) => [part, this.#measured(scored[at] as Evaluated, part.length)]));
    return parts.map((part, at) => remembered[at] ?? (found.get(part) as MeasuredPart));
  }

  async close(): Promise<void> {
    const soup = await this.#soup?.catch(() => undefined);
    await soup?.close();
  }

  #measured(evaluated: Evaluated, samples: number): MeasuredPart {
    const total = this.source.partTotals.of(evaluated, samples);
    return { total, ...(evaluated.correct && { correct: evaluated.correct }) };
  }

  #remembered(part: Uint32Array): MeasuredPart | undefined {
    if (this.known === undefined) return undefined;
    const correct = Uint8Array.from(part, (sample) => this.known?.[sample] as number);
    if (correct.includes(NOT_EVALUATED)) return undefined;
    return { total: correct.reduce((sum, bit) => sum + bit, 0), correct };
  }
}
