/** Areas under the receiver operating characteristic: how often a positive scores above a negative, ties counted half. */
import type { Predicted } from '@radin/native';
import { forEachBlock } from '../blocks.js';
import { meanOf } from './counted.js';
import { predictionMetric } from './metric.js';
import { forEachSamples, type Predictions } from './predictions.js';

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
  return meanOfClasses(predictions, await predictions.predict());
});

/** Of each label over the samples, the mean of those that some sample has and some has not. */
export const multiLabelAuroc = predictionMetric('auroc', async ({ logits, samples, classes, truth, signal }) => {
  const { targets = new Float64Array() } = truth;
  const column = new Float64Array(samples);
  const areas: (number | undefined)[] = [];
  await forEachBlock(classes, 1, signal, (c) => {
    for (let sample = 0; sample < samples; sample++) column[sample] = logits[sample * classes + c] as number;
    areas.push(areaUnderCurve(column, (sample) => targets[sample * classes + c] === 1));
  });
  return meanOf(classes, (c) => areas[c]);
});

/** Classes whose own scores stay in the first-level cache while all samples pass. */
const CLASSES_AT_ONCE = 32;

/**
 * The mean over the classes of the area of each against the rest, by log softmax(z): the largest logit and the logarithm of the sum taken
 * off, in float64. Cost: sorts each class's own scores, and looks up the place of all others in one read of the logits.
 */
async function meanOfClasses(predictions: Predictions, { predicted, sums }: Predicted): Promise<number> {
  const { logits, samples, classes, truth } = predictions;
  const { labels } = truth;
  const most = Float64Array.from(predicted, (best, sample) => logits[sample * classes + best] as number);
  const logSums = sums.map(Math.log);
  const own = Array.from(countsOf(labels, classes), (count) => new Float64Array(count));
  const filled = new Int32Array(classes);
  for (const [sample, c] of labels.entries()) {
    const below = (logits[sample * classes + c] as number) - (most[sample] as number);
    (own[c] as Float64Array)[filled[c] as number] = below - (logSums[sample] as number);
    filled[c] = (filled[c] as number) + 1;
  }
  const places = own.map((scores) => new Places(scores));
  const least = Float64Array.from(own, (scores) => scores[0] ?? Number.POSITIVE_INFINITY);
  // Of each class the pairs in which the other sample's score is above, ties half.
  const lost = new Float64Array(classes);
  for (let first = 0; first < classes; first += CLASSES_AT_ONCE) {
    const end = Math.min(first + CLASSES_AT_ONCE, classes);
    await forEachSamples(predictions, end - first, (from, to) => {
      for (let sample = from; sample < to; sample++) {
        const label = labels[sample] as number;
        const greatest = most[sample] as number;
        const logSum = logSums[sample] as number;
        const row = sample * classes;
        for (let c = first; c < end; c++) {
          const score = (logits[row + c] as number) - greatest - logSum;
          // Most samples score a class below each of its own.
          if (score < (least[c] as number) || c === label) continue;
          lost[c] = (lost[c] as number) + (places[c] as Places).of(score);
        }
      }
    });
  }
  return meanOf(classes, (c) => {
    const count = (own[c] as Float64Array).length;
    return count === 0 || count === samples ? undefined : 1 - (lost[c] as number) / (count * (samples - count));
  });
}

function countsOf(labels: Int32Array, classes: number): Int32Array {
  const counts = new Int32Array(classes);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return counts;
}

/**
 * Mann-Whitney's U over the pairs; undefined where there are no positives or no negatives. Cost: sorts the fewer ones, and looks
 * up the place of each of the others.
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
  const fewer = new Float64Array(few === 1 ? count : samples - count);
  for (let sample = 0, at = 0; sample < samples; sample++) {
    if (positive[sample] === few) fewer[at++] = scores[sample] as number;
  }
  const places = new Places(fewer);
  let above = 0;
  for (let sample = 0; sample < samples; sample++) {
    if (positive[sample] !== few) above += fewer.length - places.of(scores[sample] as number);
  }
  // `above` are the pairs in which one of the few is above.
  const share = above / (count * (samples - count));
  return few === 1 ? share : 1 - share;
}

/**
 * Where a number stands among others. These lie in cells of equal width, as many as there are; cells ascend as the numbers do, rounding included,
 * so only those of the number's own cell are compared with it.
 */
class Places {
  readonly #sorted: Float64Array;
  readonly #least: number;
  readonly #greatest: number;
  readonly #scale: number;
  /** How many numbers are in lower cells. */
  readonly #first: Int32Array;

  /** @param scores finite; sorted in place */
  constructor(scores: Float64Array) {
    this.#sorted = scores.sort();
    this.#least = scores[0] ?? Number.POSITIVE_INFINITY;
    this.#greatest = scores.at(-1) ?? Number.NEGATIVE_INFINITY;
    const scale = (scores.length - 1) / (this.#greatest - this.#least);
    this.#scale = Number.isFinite(scale) ? scale : 0;
    this.#first = new Int32Array(scores.length + 1);
    for (const score of scores) {
      const after = this.#cell(score) + 1;
      this.#first[after] = (this.#first[after] as number) + 1;
    }
    for (let cell = 1; cell <= scores.length; cell++) {
      this.#first[cell] = (this.#first[cell] as number) + (this.#first[cell - 1] as number);
    }
  }

  /** How many are below the score, those that equal it counted half. */
  of(score: number): number {
    if (score < this.#least) return 0;
    if (score > this.#greatest) return this.#sorted.length;
    const cell = this.#cell(score);
    const end = this.#first[cell + 1] as number;
    let low = this.#first[cell] as number;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] as number) < score) low = middle + 1;
      else high = middle;
    }
    if (low === end || this.#sorted[low] !== score) return low;
    // Ties are rare, but all scores of a constant model are equal.
    return (low + firstAbove(this.#sorted, score, low, end)) / 2;
  }

  #cell(score: number): number {
    return Math.min(this.#sorted.length - 1, Math.floor((score - this.#least) * this.#scale));
  }
}

function firstAbove(sorted: Float64Array, score: number, from: number, end: number): number {
  let [low, high] = [from, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= score) low = middle + 1;
    else high = middle;
  }
  return low;
}
