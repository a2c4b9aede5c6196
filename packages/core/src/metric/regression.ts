/** Metrics of regression: outputs [M, D] against targets of that shape. */
import { meanOf } from './counted.js';
import { predictionMetric } from './metric.js';

/** Mean over all M · D outputs of the squared error, negated, in squared units of the targets. */
const meanSquaredError = predictionMetric(
  'mse',
  ({ logits, truth: { targets = new Float64Array() } }) => {
    let total = 0;
    for (let at = 0; at < logits.length; at++) total += ((logits[at] as number) - (targets[at] as number)) ** 2;
    return total / logits.length;
  },
  { unit: '', negated: true },
);

/** Mean over all M · D outputs of the absolute error, negated, in units of the targets. */
const meanAbsoluteError = predictionMetric(
  'mae',
  ({ logits, truth: { targets = new Float64Array() } }) => {
    let total = 0;
    for (let at = 0; at < logits.length; at++) total += Math.abs((logits[at] as number) - (targets[at] as number));
    return total / logits.length;
  },
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
      let [residual, total] = [0, 0];
      for (let at = d; at < logits.length; at += classes) {
        residual += ((logits[at] as number) - (targets[at] as number)) ** 2;
        total += ((targets[at] as number) - mean) ** 2;
      }
      if (total > 0) return 1 - residual / total;
      return residual === 0 ? 1 : 0;
    });
  },
  { unit: '', range: [Number.NEGATIVE_INFINITY, 1] },
);

export const REGRESSION_METRICS = [meanSquaredError, meanAbsoluteError, rSquared];
