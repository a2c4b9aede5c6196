import {
  ApproxScorer,
  accuracy,
  type CallOptions,
  type EnsembleScores,
  type Mixture,
  type MixtureScorer,
  type PoolLogits,
  type Ranking,
  type RankOptions,
  rankProposal,
  type SoupInParts,
} from '@radin/core';
import type { Outcome } from './outcome.js';
import type { RandomSplit } from './random-split.js';
import type { SoupMemory } from './soup-memory.js';

/**
 * What a `SplitScorer` of a random split's validation samples would answer, from outcomes that are remembered for the whole
 * union: choosing on another split only adds up other samples.
 */
export class SplitReplay implements MixtureScorer {
  readonly #memory: SoupMemory;
  readonly #validation: Int32Array;
  #cache: PoolLogits | undefined;
  #approx: Promise<ApproxScorer> | undefined;

  constructor(memory: SoupMemory, { validation }: RandomSplit) {
    this.#memory = memory;
    this.#validation = validation;
  }

  get poolSize(): number {
    return this.#memory.pool.size;
  }

  async cache(): Promise<PoolLogits> {
    this.#cache ??= this.#memory.select(this.#validation, this.#memory.union.observed);
    return this.#cache;
  }

  async approxScores(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<Float64Array> {
    return (await this.#approxScorer()).scores(mixtures, options);
  }

  rank(options: RankOptions): Promise<Ranking> {
    return rankProposal(this.poolSize, options, () => this.#approxScorer());
  }

  async ensemble(): Promise<EnsembleScores> {
    return (await this.#approxScorer()).ensemble;
  }

  individualScores(options: CallOptions = {}): Promise<Float64Array> {
    const singles = Array.from({ length: this.poolSize }, (_, model) => this.#memory.single(model));
    return this.approxScores(singles, options);
  }

  async scores(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<number[]> {
    const outcomes = await this.#memory.outcomes(mixtures, options.signal);
    return outcomes.map(({ rightAsObserved }) => meanOver(this.#validation, rightAsObserved));
  }

  /** Samples per run of an evaluator with its default, so that trials stop where they would. */
  readonly batch = 64;

  async openSoupInParts(mixture: Mixture, options: CallOptions = {}): Promise<SoupInParts> {
    const [{ rightAsObserved }] = (await this.#memory.outcomes([mixture], options.signal)) as [Outcome];
    return {
      measure: async (parts) =>
        parts.map((part) => {
          const correct = Uint8Array.from(part, (at) => rightAsObserved[this.#validation[at] as number] as number);
          return { correct, total: correct.reduce((sum, bit) => sum + bit, 0) };
        }),
      close: async () => {},
    };
  }

  /** Nothing: the memory has it. */
  record(): void {}

  async dispose(): Promise<void> {
    (await this.#approx)?.close();
  }

  #approxScorer(): Promise<ApproxScorer> {
    this.#approx ??= this.cache().then((cache) => {
      const { backend, threads } = this.#memory;
      return ApproxScorer.open(cache, { metric: accuracy, backend, threads });
    });
    return this.#approx;
  }
}

/** Mean of a number per sample over some of the samples. */
export function meanOver(samples: Int32Array, values: ArrayLike<number>): number {
  let sum = 0;
  for (const sample of samples) sum += values[sample] as number;
  return sum / samples.length;
}
