import { Mixture } from '../mixture/index.js';
import type { EnsembleScores } from '../sampler/index.js';

/** Subsets that are asked for many times and scored once, in one call. */
export class DistinctSubsets {
  readonly #mixtures = new Map<string, Mixture>();

  constructor(private readonly poolSize: number) {}

  /** How many there are. */
  get size(): number {
    return this.#mixtures.size;
  }

  /** The subset's name among the scores. Of no members '', which has none. */
  add(members: readonly number[]): string {
    if (members.length === 0) return '';
    const mixture = Mixture.uniform(this.poolSize, members);
    if (!this.#mixtures.has(mixture.key)) this.#mixtures.set(mixture.key, mixture);
    return mixture.key;
  }

  /** The score of each by its name. */
  async scores(ensemble: EnsembleScores, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const scored = await ensemble.scores([...this.#mixtures.values()], 'metric', signal);
    return new Map([...this.#mixtures.keys()].map((key, index) => [key, scored[index] as number]));
  }
}
