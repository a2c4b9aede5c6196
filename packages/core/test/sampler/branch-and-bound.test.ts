import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracy, crossEntropy, topK } from '../../src/metric/index.js';
import { SAMPLERS, type Sampler } from '../../src/sampler/index.js';
import { drawn, drawPool, everyMixture, type LogitsShape, scoresOf, withContext } from './ensembles.js';

const named = (name: string): Sampler => SAMPLERS.find((sampler) => sampler.name === name) as Sampler;

const shape: fc.Arbitrary<LogitsShape> = fc.record({
  models: fc.integer({ min: 1, max: 9 }),
  samples: fc.integer({ min: 1, max: 150 }),
  classes: fc.integer({ min: 3, max: 6 }),
  seed: fc.nat(),
});

const cases = [
  ['branch-and-bound', accuracy, 'metric'],
  ['branch-and-bound', topK(2), 'metric'],
  ['branch-and-bound', crossEntropy, 'metric'],
  ['branch-and-bound-cross-entropy', accuracy, 'cross-entropy'],
] as const;

describe.each(cases)('%s with the metric %o', (name, metric, criterion) => {
  test('proves the best score of all subsets, which brute force finds too', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (drawnShape) => {
        const pool = drawPool(drawnShape);
        await withContext(pool, { metric }, async (context, notices) => {
          const [best] = await drawn(named(name), context);
          const all = await context.ensemble.scores(everyMixture(drawnShape.models), criterion);
          const [score] = await context.ensemble.scores([best as NonNullable<typeof best>], criterion);
          expect(score).toBe(Math.max(...all));
          expect(notices).toEqual([expect.stringMatching(/proven that none is better$/)]);
        });
      }),
      { numRuns: 40 },
    );
  });
});

test('proves the best of 13 models by accuracy and cross-entropy', async () => {
  const pool = drawPool({ models: 13, samples: 400, classes: 5, seed: 1 });
  for (const [name, criterion] of [
    ['branch-and-bound', 'metric'],
    ['branch-and-bound-cross-entropy', 'cross-entropy'],
  ] as const) {
    await withContext(pool, {}, async (context, notices) => {
      const [best] = await drawn(named(name), context);
      const [score] = await scoresOf(pool, [best as NonNullable<typeof best>], criterion);
      expect(score).toBe(Math.max(...(await scoresOf(pool, everyMixture(13), criterion))));
      expect(notices[0]).toMatch(/proven that none is better/);
    });
  }
});
