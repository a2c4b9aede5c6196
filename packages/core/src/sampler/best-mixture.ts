import type { SimplexLoss } from './ensemble-scores.js';
import type { SamplerContext } from './sampler.js';
import { minimiseOnSimplex, type SimplexMinimum } from './simplex-newton.js';

/** Logits that the Hessian is estimated from: of 200 models and 100 classes 800 samples, which curve like 10,000. */
const MOST_FOR_CURVATURE = 2 ** 24;

/**
 * Minimises the cross-entropy of Σ p_k ŷ_k on the simplex. Where there are more than 2^24 logits, the Hessian comes from every
 * j-th sample; losses, gradients and the gap are always those of all samples.
 */
export async function minimiseCrossEntropy(
  { ensemble, signal }: SamplerContext,
  start: Float64Array,
  gap: number,
): Promise<SimplexMinimum> {
  const { poolSize, samples, classes } = ensemble;
  const options = signal ? { signal } : {};
  if (poolSize * samples * classes <= MOST_FOR_CURVATURE) {
    return minimiseOnSimplex(ensemble.crossEntropy, start, gap, options);
  }
  const scaled = await ensemble.scaledCrossEntropy(1, MOST_FOR_CURVATURE, signal);
  return minimiseOnSimplex(ensemble.crossEntropy, start, gap, { ...options, rough: unscaled(scaled) });
}

/** Without the model of zeros. */
function unscaled(scaled: SimplexLoss): SimplexLoss {
  const models = scaled.models - 1;
  return {
    models,
    async at(points, signal) {
      const losses = await scaled.at(
        points.map((point) => Float64Array.of(...point, 0)),
        signal,
      );
      return losses.map(({ loss, gradient }) => ({ loss, gradient: gradient.subarray(0, models) }));
    },
  };
}
