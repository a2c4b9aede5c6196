/** Areas under the receiver operating characteristic: how often a positive scores above a negative, ties counted half. */
import { meanOf } from './counted.js';
import { predictionMetric } from './metric.js';
import { type Predictions, softmax } from './predictions.js';

/**
 * Of two classes that of class 1; of more the mean over the classes, each against the rest, by softmax(z), as scikit-learn's
 * `roc_auc_score(multi_class='ovr', average='macro')`. Classes that no sample, or every one, has are left out of the mean.
 */
export const auroc = predictionMetric('auroc', (predictions) => {
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
  const columns = probabilityColumns(predictions);
  return meanOf(classes, (c) => areaUnderCurve(columns.subarray(c * samples, (c + 1) * samples), isOf(c)));
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

/** softmax(z) by class, [C, M]. */
function probabilityColumns({ logits, samples, classes }: Predictions): Float64Array {
  const columns = new Float64Array(samples * classes);
  const row = new Float64Array(classes);
  for (let sample = 0; sample < samples; sample++) {
    softmax(logits, sample * classes, row);
    for (let c = 0; c < classes; c++) columns[c * samples + sample] = row[c] as number;
  }
  return columns;
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
