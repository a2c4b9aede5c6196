import { openBackend } from '@radin/native';
import { describe, expect, test } from 'vitest';
import { crossEntropy, topK } from '../../src/metric/index.js';
import { SAMPLERS } from '../../src/sampler/index.js';
import { drawn, drawPool, permuted, sampled, withContext } from './ensembles.js';

/** Permuting the pool permutes what these draw from as well. */
const RANDOM = new Set(['monte-carlo', 'genetic', 'swaps']);

/** These list what their name says, however many are asked for. */
const LISTS = new Set(['exhaustive', 'small-sets']);

test('samplers have distinct names', () => {
  expect(SAMPLERS.length).toBeGreaterThan(0);
  expect(new Set(SAMPLERS.map(({ name }) => name)).size).toBe(SAMPLERS.length);
});

describe.each(SAMPLERS)('the sampler $name', (sampler) => {
  describe.each([1, 2, 3, 5, 8])('for a pool of %d models', (models) => {
    const pool = drawPool({ models, samples: 60, classes: 4, seed: models });

    test('proposes mixtures of the pool, none twice and no more than asked for', async () => {
      for (const [metric, count] of [
        [topK(1), 1],
        [topK(2), 7],
        [crossEntropy, 2 ** models],
      ] as const) {
        const mixtures = await sampled(sampler, pool, { metric, count, seed: 3 });
        expect(new Set(mixtures.map(({ key }) => key)).size).toBe(mixtures.length);
        if (!LISTS.has(sampler.name)) expect(mixtures.length).toBeLessThanOrEqual(count);
        if (sampler.name !== 'monte-carlo') expect(mixtures.length).toBeGreaterThan(0);
        for (const { weights } of mixtures) {
          expect(weights).toHaveLength(models);
          expect(weights.every((weight) => weight >= 0)).toBe(true);
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        }
      }
    });
  });

  test('proposes the same for the same seed, on every backend and number of threads', async () => {
    const pool = drawPool({ models: 6, samples: 80, classes: 4, seed: 9 });
    const keys = async (asked: object) => (await sampled(sampler, pool, { seed: 4, ...asked })).map(({ key }) => key);
    const expected = await keys({});
    expect(await keys({ threads: 1 })).toEqual(expected);
    expect(await keys({ backend: openBackend('reference') })).toEqual(expected);
  });

  test.skipIf(RANDOM.has(sampler.name))('permuting the pool permutes what is proposed', async () => {
    const models = 7;
    const pool = drawPool({ models, samples: 80, classes: 4, seed: 11 });
    const order = [3, 6, 0, 5, 1, 4, 2];
    // By cross-entropy no two subsets are equally good.
    const asked = { metric: crossEntropy, count: 200 };
    const before = (await sampled(sampler, pool, asked)).map(({ weights }) => order.map((model) => weights[model]));
    const after = (await sampled(sampler, permuted(pool, order), asked)).map(({ weights }) => [...weights]);
    const sorted = (all: readonly (readonly (number | undefined)[])[]) =>
      all.map((weights) => weights.map((weight) => weight?.toFixed(3)).join()).sort();
    expect(sorted(after)).toEqual(sorted(before));
  });

  test('ends with the signal’s reason once it is aborted', async () => {
    const pool = drawPool({ models: 6, samples: 50, classes: 3, seed: 5 });
    const reason = new Error('enough');
    await expect(sampled(sampler, pool, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('changes nothing in its context’s scores', async () => {
    const pool = drawPool({ models: 5, samples: 50, classes: 3, seed: 6 });
    await withContext(pool, {}, async (context) => {
      const [mixture] = await drawn(sampler, context);
      if (mixture === undefined) return;
      const before = await context.ensemble.scores([mixture], 'metric');
      await drawn(sampler, context);
      expect(await context.ensemble.scores([mixture], 'metric')).toEqual(before);
    });
  });
});
