import type { PoolLogits } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import { advantages } from './racing-order.js';

/**
 * What each single model has on each sample: the margin of the label's logit over the k-th best of the others, or minus the
 * cross-entropy. Their weighted mean tells how hard a sample is for a mixture, and is what the samples of a trial are ordered
 * by: it is at most what the averaged logits have, and costs N × M once and size × M for a mixture, without the classes.
 */
export class Difficulty {
  private constructor(
    /** M. */
    readonly samples: number,
    private readonly advantages: readonly Float64Array[],
  ) {}

  /** Cost: one pass over the logits, which are in memory. */
  static async of(cache: PoolLogits, metric: Metric, signal?: AbortSignal): Promise<Difficulty> {
    const { samples, models } = cache;
    const found: Float64Array[] = [];
    for (const model of models.keys()) {
      found.push(await advantages(cache, Mixture.uniform(models.length, [model]).weights, metric, signal));
    }
    return new Difficulty(samples, found);
  }

  /** Σ p_k of the models' advantages on each sample, [M]. */
  of({ ingredients, weights }: Mixture): Float64Array {
    const mean = new Float64Array(this.samples);
    for (const model of ingredients) {
      const [weight, own] = [weights[model] as number, this.advantages[model] as Float64Array];
      for (let sample = 0; sample < mean.length; sample++) {
        mean[sample] = (mean[sample] as number) + weight * (own[sample] as number);
      }
    }
    return mean;
  }
}
