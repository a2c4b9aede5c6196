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
import type { SoupMemory } from './soup-memory.js';

/** Which labels a sample counts by; they differ where a pool's labels are noisy. */
type LabelKind = 'observed' | 'true';

/**
 * What a `SplitScorer` of some of the union's samples would answer, from outcomes that are remembered for all of them:
 * choosing on another split only adds up other samples.
 */
export class SplitReplay implements MixtureScorer {
  readonly #memory: SoupMemory;
  readonly #samples: Int32Array;
  readonly #labels: LabelKind;
  #cache: PoolLogits | undefined;
  #approx: Promise<ApproxScorer> | undefined;

  constructor(memory: SoupMemory, samples: Int32Array, labels: LabelKind = 'observed') {
    this.#memory = memory;
    this.#samples = samples;
    this.#labels = labels;
  }

  /** One that has the logits of this one and has scored nothing with them: for measuring what a search costs from there on. */
  async fresh(): Promise<SplitReplay> {
    const other = new SplitReplay(this.#memory, this.#samples, this.#labels);
    other.#cache = await this.cache();
    return other;
  }

  /** 1 for each sample that the mixture's soup gets right, else 0. */
  async correct(mixture: Mixture): Promise<Uint8Array> {
    const [outcome] = (await this.#memory.outcomes([mixture])) as [Outcome];
    const bits = this.#right(outcome);
    return Uint8Array.from(this.#samples, (sample) => bits[sample] as number);
  }

  /** The same of the mixture's averaged logits. */
  async approxCorrect(mixture: Mixture): Promise<Uint8Array> {
    return (await this.#approxScorer()).correct(mixture);
  }

  #right({ right, rightAsObserved }: Outcome): Uint8Array {
    return this.#labels === 'true' ? right : rightAsObserved;
  }

  get poolSize(): number {
    return this.#memory.pool.size;
  }

  async cache(): Promise<PoolLogits> {
    const { labels, observed } = this.#memory.union;
    this.#cache ??= this.#memory.select(this.#samples, this.#labels === 'true' ? labels : observed);
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
    return outcomes.map((outcome) => meanOver(this.#samples, this.#right(outcome)));
  }

  /** Samples per run of an evaluator with its default, so that trials stop where they would. */
  readonly batch = 64;

  async openSoupInParts(mixture: Mixture, options: CallOptions = {}): Promise<SoupInParts> {
    const [outcome] = (await this.#memory.outcomes([mixture], options.signal)) as [Outcome];
    const bits = this.#right(outcome);
    return {
      measure: async (parts) =>
        parts.map((part) => {
          const correct = Uint8Array.from(part, (at) => bits[this.#samples[at] as number] as number);
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
