import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { breakTie } from '../sampler/index.js';
import type { Estimated, SoupEstimate } from './soup-estimate.js';

/** Candidates that the model of the gap looks at in each step, by their score before it has learned anything. */
const MOST_PREDICTED = 500;

/** The candidates of a search that have not been evaluated. No mixture enters twice. */
export class OpenCandidates {
  readonly #open = new Map<string, Estimated>();
  readonly #seen = new Set<string>();

  constructor(
    readonly estimate: SoupEstimate,
    private readonly options: CallOptions,
  ) {}

  get size(): number {
    return this.#open.size;
  }

  /** Single models have no part in it: their scores are known. */
  async add(mixtures: readonly Mixture[]): Promise<void> {
    const fresh = mixtures.filter(({ key, size }) => size > 1 && !this.#seen.has(key));
    for (const { key } of fresh) this.#seen.add(key);
    for (const one of await this.estimate.of(fresh, this.options)) this.#open.set(one.mixture.key, one);
  }

  /**
   * Of those that `among` allows, the one with the highest expected score, of equal ones the one with the higher prior score.
   * @returns undefined where none is left
   */
  first(among: (mixture: Mixture) => boolean = () => true): Estimated | undefined {
    const likely = this.rest()
      .filter(({ mixture }) => among(mixture))
      .slice(0, MOST_PREDICTED);
    const expected = this.estimate.predict(likely);
    return likely[expected.reduce((best, score, index) => (score > (expected[best] as number) ? index : best), 0)];
  }

  /** Takes out one that was evaluated. */
  remove({ mixture }: Estimated): void {
    this.#open.delete(mixture.key);
  }

  /** All that are left, the most likely first. */
  rest(): Estimated[] {
    return [...this.#open.values()].sort((a, b) => b.priorScore - a.priorScore || breakTie(a.mixture, b.mixture));
  }
}
