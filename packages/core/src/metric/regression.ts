/** Metrics of regression: outputs [M, D] against targets of that shape. */
import { meanOf } from './counted.js';
import { meanMetric, perOutput, predictionMetric } from './metric.js';

/** Mean over all M · D outputs of the squared error, negated, in squared units of the targets. */
const meanSquaredError = meanMetric(
  'mse',
  perOutput((output, target) => (output - target) ** 2),
  { unit: '', negated: true },
);

/** Mean over all M · D outputs of the absolute error, negated, in units of the targets. */
const meanAbsoluteError = meanMetric(
  'mae',
  perOutput((output, target) => Math.abs(output - target)),
  { unit: '', negated: true },
);

/**
 * Mean over the D outputs of 1 − Σ (target − output)² / Σ (target − mean target)², at most 1; of targets that are all the same 1
 * where every output is right, else 0, as scikit-learn's `r2_score` has it.
 */
const rSquared = predictionMetric(
  'r2',
  ({ logits, samples, classes, truth }) => {
    const { targets = new Float64Array() } = truth;
    return meanOf(classes, (d) => {
      let sum = 0;
      for (let sample = 0; sample < samples; sample++) sum += targets[sample * classes + d] as number;
      const mean = sum / samples;
      // Not by the squares' sum, which the rounding of the mean keeps from 0.
      let isConstant = true;
      let [residual, total] = [0, 0];
      for (let at = d; at < logits.length; at += classes) {
        residual += ((logits[at] as number) - (targets[at] as number)) ** 2;
        total += ((targets[at] as number) - mean) ** 2;
        isConstant &&= targets[at] === targets[d];
      }
      if (isConstant || total === 0) return residual === 0 ? 1 : 0;
      return 1 - residual / total;
    });
  },
  { unit: '', range: [Number.NEGATIVE_INFINITY, 1] },
);

export const REGRESSION_METRICS = [meanSquaredError, meanAbsoluteError, rSquared];
