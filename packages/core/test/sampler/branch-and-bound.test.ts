import { openBackend } from '@radin/native';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracy, crossEntropy, topK } from '../../src/metric/index.js';
import { SAMPLERS, type Sampler } from '../../src/sampler/index.js';
import { ApproxScorer } from '../../src/stage1/index.js';
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

test('finds the best also where there is no room for the margins of all samples', async () => {
  for (const most of [0, 40, 400]) {
    const pool = drawPool({ models: 8, samples: 100, classes: 4, seed: 2 });
    await withContext(pool, {}, async (context) => {
      const { margins } = context.ensemble;
      const ensemble = { ...context.ensemble, margins: (_: number, signal?: AbortSignal) => margins(most, signal) };
      const [best] = await drawn(named('branch-and-bound'), { ...context, ensemble });
      const [score] = await context.ensemble.scores([best as NonNullable<typeof best>], 'metric');
      expect(score).toBe(Math.max(...(await context.ensemble.scores(everyMixture(8), 'metric'))));
    });
  }
});

test('where its effort ends first, no subset is above the bound that it states', async () => {
  const pool = drawPool({ models: 20, samples: 3000, classes: 8, seed: 4 });
  const scorer = await ApproxScorer.open(pool, { metric: accuracy, backend: openBackend('auto') });
  const [all] = await scorer.bestSubsets(1, 0);
  scorer.close();
  await withContext(pool, {}, async (context, notices) => {
    await drawn(named('branch-and-bound'), context);
    const stated = /found, of \d+ models, has accuracy ([\d.]+)%.* none is better than accuracy ([\d.]+)%$/.exec(
      notices[0] ?? '',
    );
    const best = 100 * (all?.approxScore ?? Number.NaN);
    expect(Number(stated?.[1])).toBeLessThanOrEqual(best + 1e-3);
    expect(Number(stated?.[2])).toBeGreaterThanOrEqual(best - 1e-3);
  });
});
