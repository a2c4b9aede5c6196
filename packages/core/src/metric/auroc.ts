/** Areas under the receiver operating characteristic: how often a positive scores above a negative, ties counted half. */
import { meanOf } from './counted.js';
import { predictionMetric } from './metric.js';
import type { Predictions } from './predictions.js';

/**
 * Of two classes that of class 1; of more the mean over the classes, each against the rest, by log softmax(z), which orders as softmax(z) does, as scikit-learn's
 * `roc_auc_score(multi_class='ovr', average='macro')`. Classes that no sample, or every one, has are left out of the mean.
 */
export const auroc = predictionMetric('auroc', async (predictions) => {
  const { logits, samples, classes, truth } = predictions;
  const isOf = (wanted: number) => (sample: number) => truth.labels[sample] === wanted;
  if (classes === 2) {
    // The difference orders as the probability does, without its rounding to 1.
    const differences = Float64Array.from(
      { length: samples },
      (_, sample) => (logits[2 * sample + 1] as number) - (logits[2 * sample] as number),
    );
    return areaUnderCurve(differences, isOf(1)) ?? Number.NaN;
  }
  const columns = await logProbabilityColumns(predictions);
  return meanOf(classes, (c) => areaUnderCurve(columns(c), isOf(c)));
});

/** Of each label over the samples, the mean of those that some sample has and some has not. */
export const multiLabelAuroc = predictionMetric('auroc', ({ logits, samples, classes, truth }) => {
  const { targets = new Float64Array() } = truth;
  const column = new Float64Array(samples);
  return meanOf(classes, (c) => {
    for (let sample = 0; sample < samples; sample++) column[sample] = logits[sample * classes + c] as number;
    return areaUnderCurve(column, (sample) => targets[sample * classes + c] === 1);
  });
});

/** Columns that are made in one read of the logits: a row's part of them is a line of the cache. */
const COLUMNS = 16;

/** log softmax(z) of one class, [M], valid until the next call: those of neighbouring classes are made together. */
async function logProbabilityColumns(predictions: Predictions): Promise<(c: number) => Float64Array> {
  const { logits, samples, classes } = predictions;
  const { predicted, sums } = await predictions.predict();
  const most = Float64Array.from(predicted, (best, sample) => logits[sample * classes + best] as number);
  const logSums = sums.map(Math.log);
  const columns = new Float64Array(samples * COLUMNS);
  let first = Number.NaN;
  return (c) => {
    if (c - (c % COLUMNS) !== first) {
      first = c - (c % COLUMNS);
      const count = Math.min(COLUMNS, classes - first);
      for (let sample = 0; sample < samples; sample++) {
        for (let at = 0; at < count; at++) {
          const below = (logits[sample * classes + first + at] as number) - (most[sample] as number);
          columns[at * samples + sample] = below - (logSums[sample] as number);
        }
      }
    }
    return columns.subarray((c - first) * samples, (c - first + 1) * samples);
  };
}

/**
 * Mann-Whitney's U over the pairs; undefined where there are no positives or no negatives. Cost: sorts the fewer ones, and a binary
 * search for each of the others.
 */
function areaUnderCurve(scores: Float64Array, isPositive: (sample: number) => boolean): number | undefined {
  const samples = scores.length;
  const positive = new Uint8Array(samples);
  let count = 0;
  for (let sample = 0; sample < samples; sample++) {
    if (!isPositive(sample)) continue;
    positive[sample] = 1;
    count++;
  }
  if (count === 0 || count === samples) return undefined;
  const few = 2 * count <= samples ? 1 : 0;
  const sorted = new Float64Array(few === 1 ? count : samples - count);
  for (let sample = 0, at = 0; sample < samples; sample++) {
    if (positive[sample] === few) sorted[at++] = scores[sample] as number;
  }
  sorted.sort();
  let above = 0;
  for (let sample = 0; sample < samples; sample++) {
    if (positive[sample] === few) continue;
    const score = scores[sample] as number;
    // Most samples score a class below each of its few own.
    if (score < (sorted[0] as number)) {
      above += sorted.length;
      continue;
    }
    const below = firstNotBelow(sorted, score, 0);
    // Ties are rare, but all scores of a constant model are equal.
    const notAbove = sorted[below] === score ? firstAbove(sorted, score, below) : below;
    above += sorted.length - (below + notAbove) / 2;
  }
  // `above` are the pairs in which one of the few is above.
  const share = above / (count * (samples - count));
  return few === 1 ? share : 1 - share;
}

function firstNotBelow(sorted: Float64Array, score: number, from: number): number {
  let [low, high] = [from, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < score) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAbove(sorted: Float64Array, score: number, from: number): number {
  let [low, high] = [from, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= score) low = middle + 1;
    else high = middle;
  }
  return low;
}
