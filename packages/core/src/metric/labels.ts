/** Metrics of multi-label classification: each of C labels is there or not, and is predicted where its logit is above 0. */
import { meanOf } from './counted.js';
import { meanMetric, perOutput, predictionMetric } from './metric.js';
import { forEachSamples, type Predictions } from './predictions.js';

const isRight = (logit: number, target: number) => logit > 0 === (target === 1);

/** Fraction of all M · C labels that are right: one minus the Hamming loss. */
const labelAccuracy = meanMetric(
  'accuracy',
  perOutput((logit, target) => (isRight(logit, target) ? 1 : 0)),
);

/** Fraction of the samples with all labels right. */
const subsetAccuracy = meanMetric('subset-accuracy', {
  per: 'sample',
  of: (logits, targets, begin, end) => {
    let at = begin;
    while (at < end && isRight(logits[at] as number, targets[at] as number)) at++;
    return at === end ? 1 : 0;
  },
});

/** Mean over the labels of F1 = 2 TP / (2 TP + FP + FN), 0 where a label is neither there nor predicted, as scikit-learn has it. */
const macroF1 = predictionMetric('macro-f1', async (predictions) => {
  const { right, all } = await countLabels(predictions);
  return meanOf(predictions.classes, (c) => (all[c] === 0 ? 0 : (2 * (right[c] as number)) / (all[c] as number)));
});

/** F1 of all labels' counts together. */
const microF1 = predictionMetric('micro-f1', async (predictions) => {
  const { right, all } = await countLabels(predictions);
  const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0);
  return sum(all) === 0 ? 0 : (2 * sum(right)) / sum(all);
});

/** Mean over all M · C labels of −log of the probability 1 / (1 + exp(−z)) of what is so, negated, in nats. */
const crossEntropy = meanMetric(
  'cross-entropy',
  // log(1 + exp(z)) − t z without overflow, and never below 0: of t = 1 it is log(1 + exp(−z)).
  perOutput((z, target) => Math.max(target === 1 ? -z : z, 0) + Math.log1p(Math.exp(-Math.abs(z)))),
  { unit: 'nats', negated: true },
);

/** Mean over all M · C labels of (1 / (1 + exp(−z)) − t)², negated. */
const brier = meanMetric(
  'brier',
  perOutput((z, target) => (1 / (1 + Math.exp(-z)) - target) ** 2),
  { unit: '', negated: true, range: [-1, 0] },
);

export const LABEL_METRICS = [labelAccuracy, subsetAccuracy, macroF1, microF1, crossEntropy, brier];

/** Of each label the samples that have it and for which it is predicted, TP, and those of either, added: 2 TP + FP + FN. */
async function countLabels(predictions: Predictions): Promise<{ right: Float64Array; all: Float64Array }> {
  const { logits, classes, truth } = predictions;
  const { targets = new Float64Array() } = truth;
  const [right, all] = [new Float64Array(classes), new Float64Array(classes)];
  await forEachSamples(predictions, classes, (first, end) => {
    for (let at = first * classes; at < end * classes; at++) {
      const c = at % classes;
      const [isThere, isPredicted] = [targets[at] as number, (logits[at] as number) > 0 ? 1 : 0];
      right[c] = (right[c] as number) + isThere * isPredicted;
      all[c] = (all[c] as number) + isThere + isPredicted;
    }
  });
  return { right, all };
}
