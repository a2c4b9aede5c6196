import type { PoolLogits } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import { advantages } from './racing-order.js';

/**
 * What each single model has on each sample: the margin of the label's logit over the k-th best of the others, or what
 * it gets there by other metrics. Their weighted mean tells how hard a sample is for a mixture, and is what the samples of a trial are ordered
 * by: it is at most what the averaged logits have, and costs size × M for a mixture, without the classes.
 */
export class Difficulty {
  /** By model, of those that were in a mixture so far. */
  readonly #advantages = new Map<number, Float64Array>();

  constructor(
    private readonly cache: PoolLogits,
    private readonly metric: Metric,
  ) {}

  /** C. */
  get classes(): number {
    return this.cache.classes;
  }

  /** M. */
  get samples(): number {
    return this.cache.samples;
  }

  /** Σ p_k of the models' advantages on each sample, [M]. Cost: one read of the logits of each model that is new. */
  async of({ ingredients, weights }: Mixture, signal?: AbortSignal): Promise<Float64Array> {
    const mean = new Float64Array(this.samples);
    for (const model of ingredients) {
      const [weight, own] = [weights[model] as number, await this.#of(model, signal)];
      for (let sample = 0; sample < mean.length; sample++) {
        mean[sample] = (mean[sample] as number) + weight * (own[sample] as number);
      }
    }
    return mean;
  }

  async #of(model: number, signal: AbortSignal | undefined): Promise<Float64Array> {
    const known = this.#advantages.get(model);
    if (known !== undefined) return known;
    const { weights } = Mixture.uniform(this.cache.models.length, [model]);
    const found = await advantages(this.cache, weights, this.metric, signal);
    this.#advantages.set(model, found);
    return found;
  }
}
