import { RadinError } from '../errors/index.js';
import type { Random } from '../random.js';
import type { Labels } from './labels.js';
import type { Split } from './split.js';
import { samplesOf, selectLabels } from './task-labels.js';

/**
 * Takes a random fraction of a split's samples away, where each has one class the same from every class to within one sample,
 * for a score that no choice has seen. Both parts keep the samples' order and stay in the same files.
 * @param fraction in (0, 1)
 * @throws RadinError where one of the parts would be empty
 */
export function holdOut(split: Split, fraction: number, random: Random): { kept: Split; heldOut: Split } {
  const byClass = new Map<number, number[]>();
  for (const [sample, label] of strataOf(split.labels).entries()) {
    const members = byClass.get(label);
    if (members === undefined) byClass.set(label, [sample]);
    else members.push(sample);
  }
  const isHeldOut = new Uint8Array(split.samples);
  let seen = 0;
  let taken = 0;
  for (const [, members] of [...byClass].sort(([a], [b]) => a - b)) {
    // Rounding the running total, and not each class, keeps the whole fraction right where classes are many and small.
    seen += members.length;
    const count = Math.round(fraction * seen) - taken;
    taken += count;
    for (const index of random.subset(members.length, count)) isHeldOut[members[index] as number] = 1;
  }
  if (taken === 0 || taken === split.samples) {
    throw new RadinError(
      'CONFIG',
      `Expected a hold-out that leaves samples on both sides but found ${taken} of ${split.samples} for a fraction of ${fraction}`,
    );
  }
  const part = (name: Split['name'], side: number) =>
    select(
      split,
      name,
      Uint32Array.from(isHeldOut.keys()).filter((sample) => isHeldOut[sample] === side),
    );
  return { kept: part(split.name, 0), heldOut: part('holdout', 1) };
}

/** The class of each sample, or one and the same where samples have no single class. */
function strataOf(labels: Labels): Int32Array {
  return labels.samples === undefined ? labels.values : new Int32Array(samplesOf(labels));
}

function select({ inputs, labels }: Split, name: Split['name'], samples: Uint32Array): Split {
  return {
    name,
    inputs: inputs.select(samples),
    labels: selectLabels(labels, samples),
    samples: samples.length,
    part: { of: inputs.shape[0] as number, samples },
  };
}
