/** Metrics of predicted probabilities, softmax(z). */
import { type Metric, predictionMetric } from './metric.js';

/** Mean over the samples of Σ_c (p_c − 1[c = label])², negated; of the multi-class form, in [0, 2]. */
export const brier = meanSquaredError(1);

/** Mean of (p_1 − label)², negated: the two-class form, half of the multi-class one, in [0, 1]. */
export const binaryBrier = meanSquaredError(1 / 2);

function meanSquaredError(share: number): Metric {
  return {
    name: 'brier',
    unit: '',
    negated: true,
    range: [-2 * share, 0],
    measure: { kind: 'squared-error' },
    score: (total, samples) => (-share * total) / samples,
  };
}

/** Bins of the expected calibration error, of equal width, as in Guo et al., "On calibration of modern neural networks", 2017. */
const BINS = 15;

/**
 * Expected calibration error, negated: over 15 bins ((b − 1) / 15, b / 15] of the largest probability, the mean over the
 * samples of |accuracy − mean of the largest probability| of their bin; in [0, 1].
 */
export const expectedCalibrationError = predictionMetric(
  'ece',
  async (predictions) => {
    const { samples, truth } = predictions;
    const { predicted, sums } = await predictions.predict();
    // What a bin's samples have right less what they promise; |Σ| over the bins is all that is needed.
    const surplus = new Float64Array(BINS);
    for (let sample = 0; sample < samples; sample++) {
      const confidence = 1 / (sums[sample] as number);
      const bin = Math.min(BINS - 1, Math.max(0, Math.ceil(confidence * BINS) - 1));
      surplus[bin] = (surplus[bin] as number) + (predicted[sample] === truth.labels[sample] ? 1 : 0) - confidence;
    }
    return surplus.reduce((sum, one) => sum + Math.abs(one), 0) / samples;
  },
  { unit: '', negated: true, range: [-1, 0] },
);
