/** Metrics of regression: outputs [M, D] against targets of that shape. */
import { meanOf } from './counted.js';
import { meanMetric, perOutput, predictionMetric } from './metric.js';
import { forEachSamples } from './predictions.js';

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
  async (predictions) => {
    const { logits, samples, classes, truth } = predictions;
    const { targets = new Float64Array() } = truth;
    const sums = new Float64Array(classes);
    await forEachSamples(predictions, classes, (first, end) => {
      for (let at = first * classes; at < end * classes; at++) add(sums, at % classes, targets[at] as number);
    });
    const [residuals, totals] = [new Float64Array(classes), new Float64Array(classes)];
    // Not by the squares' sum, which the rounding of the mean keeps from 0.
    const isConstant = new Uint8Array(classes).fill(1);
    await forEachSamples(predictions, classes, (first, end) => {
      for (let at = first * classes; at < end * classes; at++) {
        const [d, target] = [at % classes, targets[at] as number];
        add(residuals, d, ((logits[at] as number) - target) ** 2);
        add(totals, d, (target - (sums[d] as number) / samples) ** 2);
        if (target !== targets[d]) isConstant[d] = 0;
      }
    });
    return meanOf(classes, (d) => {
      const [residual, total] = [residuals[d] as number, totals[d] as number];
      if (isConstant[d] === 1 || total === 0) return residual === 0 ? 1 : 0;
      return 1 - residual / total;
    });
  },
  { unit: '', range: [Number.NEGATIVE_INFINITY, 1] },
);

function add(sums: Float64Array, at: number, value: number): void {
  sums[at] = (sums[at] as number) + value;
}

export const REGRESSION_METRICS = [meanSquaredError, meanAbsoluteError, rSquared];
