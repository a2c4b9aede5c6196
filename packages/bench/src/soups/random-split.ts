import { Random } from '@radin/core';

/** Which samples of a union choose, and which report. */
export interface RandomSplit {
  /** Ascending. */
  readonly validation: Int32Array;
  /** All others, ascending. */
  readonly test: Int32Array;
}

/**
 * Draws `count` samples for the validation, from each class as near to its share as whole numbers allow, without looking at
 * anything but labels. The same split for the same labels, count and seed.
 */
export function drawSplit(labels: Int32Array, count: number, seed: number): RandomSplit {
  const random = new Random(seed);
  const groups = new Map<number, number[]>();
  for (const [sample, label] of labels.entries()) {
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [sample]);
    else group.push(sample);
  }
  const quotas = [...groups.keys()]
    .sort((a, b) => a - b)
    .map((label) => {
      const group = groups.get(label) as number[];
      const share = (group.length * count) / labels.length;
      return { group, whole: Math.floor(share), rest: share - Math.floor(share) };
    });
  const missing = count - quotas.reduce((sum, { whole }) => sum + whole, 0);
  // Largest remainders first; among equals the lower class.
  const rounded = new Set([...quotas].sort((a, b) => b.rest - a.rest).slice(0, missing));
  const chosen = new Set(
    quotas.flatMap((quota) => {
      const { group, whole } = quota;
      return random.subset(group.length, whole + (rounded.has(quota) ? 1 : 0)).map((index) => group[index] as number);
    }),
  );
  const samples = Int32Array.from(labels.keys());
  return {
    validation: samples.filter((sample) => chosen.has(sample)),
    test: samples.filter((sample) => !chosen.has(sample)),
  };
}
