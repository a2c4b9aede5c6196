import { describe, expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { SAMPLERS } from '../../src/sampler/index.js';

test('samplers have distinct names', () => {
  expect(SAMPLERS.length).toBeGreaterThan(0);
  expect(new Set(SAMPLERS.map(({ name }) => name)).size).toBe(SAMPLERS.length);
});

describe.each(SAMPLERS)('the sampler $name', (sampler) => {
  describe.each([1, 2, 3, 4, 5, 6, 7, 8])('for a pool of %d models', (size) => {
    const every = 2 ** size - 1;
    const sample = (count: number, seed: number) => [...sampler.sample(size, count, new Random(seed))];

    test('draws no mixture twice and at most as many as there are', () => {
      for (const seed of [0, 1, 2]) {
        const mixtures = sample(every, seed);
        expect(mixtures.length).toBeLessThanOrEqual(every);
        expect(new Set(mixtures.map(({ key }) => key)).size).toBe(mixtures.length);
      }
    });

    test('draws mixtures of the pool: p ≥ 0 for each of its models, Σ p = 1', () => {
      for (const { weights } of sample(every, 3)) {
        expect(weights).toHaveLength(size);
        expect(weights.every((weight) => weight >= 0)).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
      }
    });

    test('draws the same mixtures in the same order for the same seed, whether drawn at once or one by one', () => {
      for (const count of [1, Math.ceil(every / 3), every]) {
        const keys = sample(count, 4).map(({ key }) => key);
        expect(sample(count, 4).map(({ key }) => key)).toEqual(keys);
        const stepwise = sampler.sample(size, count, new Random(4))[Symbol.iterator]();
        for (const key of keys) expect((stepwise.next().value as { key: string }).key).toBe(key);
        expect(stepwise.next().done).toBe(true);
      }
    });
  });
});
