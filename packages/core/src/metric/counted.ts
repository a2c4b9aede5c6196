/** Metrics of predicted classes: what counts is which class has the largest logit, ties to the lowest. */
import { classMetric } from './metric.js';

/**
 * Mean over the classes of F1 = 2 TP / (2 TP + FP + FN), of those that are a label or predicted, as scikit-learn's
 * `f1_score(average='macro')`.
 */
export const macroF1 = classMetric('macro-f1', (predicted, { labels }, classes) => {
  const [right, found, present] = [0, 1, 2].map(() => new Float64Array(classes)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (const [sample, label] of labels.entries()) {
    const guess = predicted[sample] as number;
    present[label] = (present[label] as number) + 1;
    found[guess] = (found[guess] as number) + 1;
    if (guess === label) right[label] = (right[label] as number) + 1;
  }
  return meanOf(classes, (c) => {
    const all = (found[c] as number) + (present[c] as number);
    return all === 0 ? undefined : (2 * (right[c] as number)) / all;
  });
});

/** Mean over the classes that are a label of the fraction of their samples that are right: the mean recall. */
export const balancedAccuracy = classMetric('balanced-accuracy', (predicted, { labels }) => {
  const rates = rightByKey(predicted, labels, labels);
  return meanOf(rates.length, (c) => rates[c]);
});

/** The least accuracy of a group's samples, over the groups. */
export const worstGroupAccuracy = classMetric(
  'worst-group-accuracy',
  (predicted, { labels, groups }) => {
    if (groups === undefined) return Number.NaN;
    const rates = rightByKey(predicted, labels, groups);
    return rates.reduce((least: number, rate) => Math.min(least, rate ?? 1), 1);
  },
  { needsGroups: true },
);

/** Of each key that samples have the fraction of those that are right; undefined for keys that none has. */
function rightByKey(predicted: Int32Array, labels: Int32Array, keys: Int32Array): (number | undefined)[] {
  const most = keys.reduce((largest, key) => Math.max(largest, key), 0);
  const [right, all] = [new Float64Array(most + 1), new Float64Array(most + 1)];
  for (const [sample, key] of keys.entries()) {
    all[key] = (all[key] as number) + 1;
    if (predicted[sample] === labels[sample]) right[key] = (right[key] as number) + 1;
  }
  return Array.from(all, (count, key) => (count === 0 ? undefined : (right[key] as number) / count));
}

/** Mean of what is defined. */
export function meanOf(count: number, value: (index: number) => number | undefined): number {
  let [sum, defined] = [0, 0];
  for (let index = 0; index < count; index++) {
    const one = value(index);
    if (one === undefined) continue;
    sum += one;
    defined++;
  }
  return sum / defined;
}
