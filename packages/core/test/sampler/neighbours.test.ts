import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Mixture } from '../../src/mixture/index.js';
import { neighbours } from '../../src/sampler/index.js';
import { everySubset } from '../pools.js';

test('the neighbours of a subset are all subsets with a model more, less, or another, each once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(), (size, drawn) => {
      const all = everySubset(size);
      const members = all[drawn % all.length] as number[];
      const difference = (other: readonly number[]) => {
        const more = other.filter((model) => !members.includes(model)).length;
        const less = members.filter((model) => !other.includes(model)).length;
        return Math.max(more, less);
      };
      const expected = all.filter((other) => difference(other) === 1).map((other) => Mixture.uniform(size, other).key);
      const found = neighbours(Mixture.uniform(size, members)).map(({ key }) => key);
      expect(found.toSorted()).toEqual(expected.toSorted());
    }),
  );
});

test('swaps are bounded, the models named first come in first', () => {
  const subset = Mixture.uniform(5, [0, 1]);
  const added = ['0000+0001+0004', '0000+0001+0003', '0000+0001+0002'];
  const found = neighbours(subset, [4, 3, 2, 1, 0], 2).map(({ key }) => key);
  expect(found).toEqual([...added, '0001', '0000', '0001+0004', '0000+0004']);
});

test('of a weighted mixture they are those of the subset of its models', () => {
  const weighted = neighbours(Mixture.of([0.5, 0.25, 0.25, 0]));
  expect(weighted.map(({ key }) => key)).toEqual(neighbours(Mixture.uniform(4, [0, 1, 2])).map(({ key }) => key));
});
