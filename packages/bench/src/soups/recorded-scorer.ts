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
  /** Places of the soups in `evaluations`. */
  readonly #seen = new Map<string, number>();
  readonly #costs: number[] = [];
  /** Of single models, which are no evaluations. */
  #otherCosts = 0;
  #seconds = 0;
  /** Real scores of the soups of several models, each once. */
  readonly evaluations: number[] = [];

  constructor(scorer: MixtureScorer, budget: number) {
    this.#scorer = scorer;
    this.#budget = budget;
  }

  /** What the evaluations cost, in passes over the split's samples: less than one for a soup that a race stopped. */
  get passes(): number {
    return this.#costs.reduce((sum, cost) => sum + cost, this.#otherCosts);
  }

  /** The same for each of the `evaluations`. */
  get costs(): readonly number[] {
    return this.#costs;
  }

  /** Seconds that the search waited for evaluations, or for the memory of them. */
  get seconds(): number {
    return this.#seconds;
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
    const [score] = (await this.#timed(() => this.#scorer.scores([mixture], options))) as [number];
    if (this.#count(mixture, score)) this.#costs.push(0);
    const at = this.#seen.get(mixture.key);
    const { samples } = await this.#scorer.cache(options);
    const soup = await this.#scorer.openSoupInParts(mixture, options);
    return {
      measure: (parts, run) => {
        const cost = parts.reduce((sum, part) => sum + part.length, 0) / samples;
        if (at === undefined) this.#otherCosts += cost;
        else this.#costs[at] = (this.#costs[at] as number) + cost;
        return this.#timed(() => soup.measure(parts, run));
      },
      close: () => soup.close(),
    };
  }

  record(mixture: Mixture, score: number | undefined, correct: Uint8Array | undefined): void {
    this.#scorer.record(mixture, score, correct);
  }

  /** @throws RangeError where that is more than the budget; single models are free, their scores are in the cached logits */
  async scores(mixtures: readonly Mixture[], options?: CallOptions): Promise<number[]> {
    const scores = await this.#timed(() => this.#scorer.scores(mixtures, options));
    for (const [index, mixture] of mixtures.entries()) {
      if (this.#count(mixture, scores[index] as number)) this.#costs.push(1);
    }
    return scores;
  }

  async #timed<T>(evaluate: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const found = await evaluate();
    this.#seconds += (performance.now() - start) / 1000;
    return found;
  }

  /** Whether it is a soup of several models that was not evaluated before. */
  #count({ key, size }: Mixture, score: number): boolean {
    if (size === 1 || this.#seen.has(key)) return false;
    this.#seen.set(key, this.evaluations.length);
    this.evaluations.push(score);
    if (this.evaluations.length > this.#budget) {
      throw new RangeError(`Expected at most ${this.#budget} evaluations but counted ${this.evaluations.length}`);
    }
    return true;
  }
}
