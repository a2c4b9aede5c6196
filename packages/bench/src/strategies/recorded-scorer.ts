import type {
  CallOptions,
  EnsembleScores,
  Mixture,
  MixtureScorer,
  PoolLogits,
  Ranking,
  RankOptions,
} from '@radin/core';

/** A scorer that notes which soups one search evaluates, in their order, and holds it to its budget. */
export class RecordedScorer implements MixtureScorer {
  readonly #scorer: MixtureScorer;
  readonly #budget: number;
  readonly #seen = new Set<string>();
  /** Real scores of the soups of several models, each once. */
  readonly evaluations: number[] = [];

  constructor(scorer: MixtureScorer, budget: number) {
    this.#scorer = scorer;
    this.#budget = budget;
  }

  get poolSize(): number {
    return this.#scorer.poolSize;
  }

  cache(options?: CallOptions): Promise<PoolLogits> {
    return this.#scorer.cache(options);
  }

  approxScores(mixtures: readonly Mixture[], options?: CallOptions): Promise<Float64Array> {
    return this.#scorer.approxScores(mixtures, options);
  }

  rank(options: RankOptions): Promise<Ranking> {
    return this.#scorer.rank(options);
  }

  ensemble(options?: CallOptions): Promise<EnsembleScores> {
    return this.#scorer.ensemble(options);
  }

  individualScores(options?: CallOptions): Promise<Float64Array> {
    return this.#scorer.individualScores(options);
  }

  /** @throws RangeError where that is more than the budget; single models are free, their scores are in the cached logits */
  async scores(mixtures: readonly Mixture[], options?: CallOptions): Promise<number[]> {
    const scores = await this.#scorer.scores(mixtures, options);
    for (const [index, { key, size }] of mixtures.entries()) {
      if (size === 1 || this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.evaluations.push(scores[index] as number);
    }
    if (this.evaluations.length > this.#budget) {
      throw new RangeError(`Expected at most ${this.#budget} evaluations but counted ${this.evaluations.length}`);
    }
    return scores;
  }
}
