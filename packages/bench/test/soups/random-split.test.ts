import fc from 'fast-check';
import { expect, it } from 'vitest';
import { drawSplit } from '../../src/soups/random-split.js';

const cases = fc
  .array(fc.integer({ min: 0, max: 4 }), { minLength: 2, maxLength: 80 })
  .chain((labels) => fc.tuple(fc.constant(Int32Array.from(labels)), fc.integer({ min: 1, max: labels.length - 1 })));

it('a split has every sample once, as many as asked for in the validation, and classes in proportion', () => {
  fc.assert(
    fc.property(cases, fc.nat(1000), ([labels, count], seed) => {
      const { validation, test } = drawSplit(labels, count, seed);
      expect(validation.length).toBe(count);
      expect([...validation, ...test].sort((a, b) => a - b)).toEqual([...labels.keys()]);
      for (const label of new Set(labels)) {
        const all = labels.filter((one) => one === label).length;
        const chosen = validation.filter((sample) => labels[sample] === label).length;
        expect(Math.abs(chosen - (all * count) / labels.length)).toBeLessThan(1);
      }
    }),
  );
});

it('a seed gives the same split again and another seed another one', () => {
  const labels = Int32Array.from({ length: 200 }, (_, sample) => sample % 5);
  expect(drawSplit(labels, 60, 3)).toEqual(drawSplit(labels, 60, 3));
  expect(drawSplit(labels, 60, 3)).not.toEqual(drawSplit(labels, 60, 4));
});
