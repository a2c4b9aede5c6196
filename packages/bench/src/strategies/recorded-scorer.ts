import type {
  CallOptions,
  EnsembleScores,
  Mixture,
  MixtureScorer,
  PoolLogits,
  Ranking,
  RankOptions,
  SoupInParts,
} from '@radin/core';

/** A scorer that notes which soups one search evaluates, in their order, and what they cost, and holds it to its budget. */
export class RecordedScorer implements MixtureScorer {
  readonly #scorer: MixtureScorer;
  readonly #budget: number;
  readonly #seen = new Set<string>();
  #passes = 0;
  /** Real scores of the soups of several models, each once. */
  readonly evaluations: number[] = [];

  constructor(scorer: MixtureScorer, budget: number) {
    this.#scorer = scorer;
    this.#budget = budget;
  }

  /** What the evaluations cost, in passes over the split's samples: less than one for a soup that a race stopped. */
  get passes(): number {
    return this.#passes;
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

  get batch(): number {
    return this.#scorer.batch;
  }

  /** @throws RangeError where that is a soup more than the budget */
  async openSoupInParts(mixture: Mixture, options?: CallOptions): Promise<SoupInParts> {
    const [score] = (await this.#scorer.scores([mixture], options)) as [number];
    this.#count(mixture, score);
    const { samples } = await this.#scorer.cache(options);
    const soup = await this.#scorer.openSoupInParts(mixture, options);
    return {
      measure: (parts, run) => {
        this.#passes += parts.reduce((sum, part) => sum + part.length, 0) / samples;
        return soup.measure(parts, run);
      },
      close: () => soup.close(),
    };
  }

  record(mixture: Mixture, score: number | undefined, correct: Uint8Array | undefined): void {
    this.#scorer.record(mixture, score, correct);
  }

  /** @throws RangeError where that is more than the budget; single models are free, their scores are in the cached logits */
  async scores(mixtures: readonly Mixture[], options?: CallOptions): Promise<number[]> {
    const scores = await this.#scorer.scores(mixtures, options);
    for (const [index, mixture] of mixtures.entries()) {
      if (this.#count(mixture, scores[index] as number)) this.#passes++;
    }
    return scores;
  }

  /** Whether it is a soup of several models that was not evaluated before. */
  #count({ key, size }: Mixture, score: number): boolean {
    if (size === 1 || this.#seen.has(key)) return false;
    this.#seen.add(key);
    this.evaluations.push(score);
    if (this.evaluations.length > this.#budget) {
      throw new RangeError(`Expected at most ${this.#budget} evaluations but counted ${this.evaluations.length}`);
    }
    return true;
  }
}
