import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { breakTie } from '../sampler/index.js';
import type { Estimated, SoupEstimate } from './soup-estimate.js';

/** Candidates that the model of the gap looks at in each step, by their score before it has learned anything. */
const MOST_PREDICTED = 500;

/** The candidates of a search that have not been evaluated. No mixture enters twice, whatever its weights' last bits. */
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
    const fresh = mixtures.filter((mixture) => {
      const before = this.#seen.size;
      return this.#seen.add(roundedKey(mixture)).size > before && mixture.size > 1;
    });
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

/** Equal for weights that only rounding tells apart, as of a soup that is reached in two ways. */
function roundedKey({ ingredients, weights }: Mixture): string {
  return ingredients.map((model) => `${model}:${Math.round((weights[model] as number) * 2 ** 40)}`).join();
}
