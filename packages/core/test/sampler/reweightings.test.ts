import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Mixture } from '../../src/mixture/index.js';
import { reweightings } from '../../src/sampler/index.js';

test('an ingredient of a uniform soup counts twice, another model comes in, or one leaves', () => {
  const found = reweightings(Mixture.uniform(3, [0, 2])).map(({ weights }) => Array.from(weights));
  const [third, twoThirds] = [1 / 3, 2 / 3];
  expect(found).toEqual([
    [twoThirds, 0, third],
    [third, third, third],
    [third, 0, twoThirds],
    [0, 0, 1],
    [1, 0, 0],
  ]);
});

test('a single model is mixed with each other, half and half, and never loses itself', () => {
  const found = reweightings(Mixture.uniform(3, [1]));
  expect(found.map(({ key }) => key)).toEqual([[0, 1], [1], [1, 2]].map((members) => Mixture.uniform(3, members).key));
});

test('a reweighting of any mixture is a mixture, in which one weight has moved against all others', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(
      weights.filter((drawn) => drawn.some((weight) => weight > 0)),
      (drawn) => {
        const total = drawn.reduce((sum, weight) => sum + weight, 0);
        const start = Mixture.of(drawn.map((weight) => weight / total));
        for (const { weights: found } of reweightings(start)) {
          expect(found.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
          const kept = drawn.flatMap((weight, model) => (weight > 0 ? [(found[model] as number) / weight] : []));
          const usual = kept.toSorted((a, b) => a - b)[Math.floor(kept.length / 2)] as number;
          const moved = kept.filter((ratio) => Math.abs(ratio / usual - 1) > 1e-9);
          expect(moved.length).toBeLessThanOrEqual(kept.length > 2 ? 1 : 2);
        }
      },
    ),
  );
});
