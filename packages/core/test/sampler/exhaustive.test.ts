import { expect, test } from 'vitest';
import { exhaustive, subsets } from '../../src/sampler/index.js';
import { everySubset, refused } from '../pools.js';

const sample = (poolSize: number) => [...exhaustive.sample({ poolSize })];

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('lists all non-empty subsets of %d models, smaller ones first', (size) => {
  const found = sample(size).map(({ ingredients }) => ingredients);
  const expected = everySubset(size);
  expect(found).toHaveLength(2 ** size - 1);
  const text = (lists: readonly (readonly number[])[]) => lists.map((members) => members.join()).sort();
  expect(text(found)).toEqual(text(expected));
  for (const [at, members] of found.entries()) {
    expect(members.length).toBeGreaterThanOrEqual(found[at - 1]?.length ?? 0);
  }
});

test('lists each subset as a uniform mixture', () => {
  for (const mixture of sample(6)) {
    expect(mixture.uniform).toBe(true);
    for (const k of mixture.ingredients) expect(mixture.weights[k]).toBe(1 / mixture.size);
  }
});

test('lists all subsets of 16 models and refuses 17', () => {
  expect([...subsets(16)]).toHaveLength(2 ** 16 - 1);
  expect(exhaustive.sample({ poolSize: 16 })[Symbol.iterator]().next().done).toBe(false);
  expect(() => sample(17)).toThrow(
    refused('CONFIG', /at most 24 models .*16 to compare, or by cross-entropy.* found 17; use "monte-carlo"/),
  );
});
