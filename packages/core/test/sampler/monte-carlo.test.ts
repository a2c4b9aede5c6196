import { expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { monteCarlo } from '../../src/sampler/index.js';
import { chiSquare, everySubset } from '../pools.js';

const sample = (poolSize: number, count: number, seed: number) => [
  ...monteCarlo.sample({ poolSize, count, random: new Random(seed) }),
];

test('draws exactly the number asked for where there are more, of sizes from 2 to N − 1', () => {
  for (const [size, count] of [
    [5, 24],
    [8, 100],
    [13, 200],
    [72, 200],
  ] as const) {
    const mixtures = sample(size, count, 1);
    expect(mixtures).toHaveLength(count);
    expect(new Set(mixtures.map(({ key }) => key)).size).toBe(count);
    for (const mixture of mixtures) {
      expect(mixture.uniform).toBe(true);
      expect(mixture.size).toBeGreaterThanOrEqual(2);
      expect(mixture.size).toBeLessThan(size);
    }
  }
});

test('draws every size alike', () => {
  const counts = new Map<number, number>();
  for (let seed = 0; seed < 400; seed++) {
    for (const mixture of sample(20, 10, seed)) counts.set(mixture.size, (counts.get(mixture.size) ?? 0) + 1);
  }
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 18 }, (_, index) => index + 2));
  // 18 sizes, p = 0.001.
  expect(chiSquare([...counts.values()])).toBeLessThan(42.31);
});

test('draws every subset of a size alike', () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const [mixture] = sample(6, 1, seed);
    if (mixture?.size === 3) counts.set(mixture.key, (counts.get(mixture.key) ?? 0) + 1);
  }
  expect(counts.size).toBe(20);
  expect(chiSquare([...counts.values()])).toBeLessThan(43.82);
});

test('draws other mixtures for another seed', () => {
  const keys = (seed: number) => sample(13, 50, seed).map(({ key }) => key);
  expect(keys(1)).not.toEqual(keys(2));
});

test.each([1, 2, 3, 4, 5, 6, 7])('takes all subsets of 2 to N − 1 of %d models where no more are asked for', (size) => {
  const expected = everySubset(size).filter(({ length }) => length >= 2 && length < size);
  for (const count of [expected.length, 200]) {
    const drawn = sample(size, count, 5).map(({ ingredients }) => ingredients.join());
    expect(drawn.sort()).toEqual(expected.map((members) => members.join()).sort());
  }
});

test('ends where fewer subsets exist than are asked for, also for 17 models', () => {
  class Patience extends Random {
    #left = 3_000_000;
    override uint32(): number {
      if (this.#left-- === 0) throw new Error('Expected the sampler to end but it goes on drawing');
      return super.uint32();
    }
  }
  let drawn = 0;
  for (const _ of monteCarlo.sample({ poolSize: 17, count: 2 ** 17, random: new Patience(6) })) drawn++;
  expect(drawn).toBe(2 ** 17 - 17 - 2);
});
