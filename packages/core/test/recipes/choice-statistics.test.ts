import { expect, test } from 'vitest';
import { crossEntropy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { bestIndividual, estimateWinnersCurse, radin, splitStatistics } from '../../src/recipes/index.js';
import { monteCarlo } from '../../src/sampler/index.js';
import { mcnemar, pairedDifference, wilsonInterval } from '../../src/statistics/index.js';
import { accuracyOf, averageOf, type TinyPool, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const relu = tinyPool(folder, { models: 5, samples: 150, hidden: 6, classes: 4, noise: 1.5, seed: 4 });
const options = { samplers: [monteCarlo], candidates: 20, seed: 0, includeUniform: true, budget: 8, lambda: 0 };

/** Which samples the soup of some models gets right, by a plain loop. */
function rightSamples(pool: TinyPool, members: readonly number[], split: 'validation' | 'test'): boolean[] {
  const logits = pool.forward(averageOf(pool, members), pool[split]);
  const { classes } = pool;
  return [...pool[split].labels].map(
    (label, m) => accuracyOf(logits.subarray(m * classes, (m + 1) * classes), [label], classes) === 1,
  );
}

test('a choice is compared with the best individual sample by sample, on each split', async () => {
  const pool = await relu;
  const scorers = await openScorers(pool);
  const [soup, single] = [[0, 2, 3], [1]];
  for (const split of ['validation', 'test'] as const) {
    const found = await splitStatistics(scorers[split], Mixture.uniform(5, soup), Mixture.uniform(5, single));
    const [ours, theirs] = [rightSamples(pool, soup, split), rightSamples(pool, single, split)];
    const onlyOurs = ours.filter((right, m) => right && !theirs[m]).length;
    const onlyTheirs = theirs.filter((right, m) => right && !ours[m]).length;
    expect(Math.min(onlyOurs, onlyTheirs)).toBeGreaterThan(0);
    expect(found).toEqual({
      samples: 150,
      score: ours.filter(Boolean).length / 150,
      otherScore: theirs.filter(Boolean).length / 150,
      interval: wilsonInterval(ours.filter(Boolean).length, 150),
      versusOther: { ...mcnemar(onlyOurs, onlyTheirs), ...pairedDifference(onlyOurs, onlyTheirs, 150) },
    });
  }
});

test('the choice of a search costs no evaluation to compare on its own split', async () => {
  const { validation, evaluated } = await openScorers(await relu);
  const result = await radin(validation, options);
  const single = await bestIndividual(validation);
  const before = evaluated.length;
  const { score } = await splitStatistics(validation, result.best.mixture, single.best.mixture);
  expect(score).toBe(result.best.score);
  const curse = (await estimateWinnersCurse(validation, result, 0)) as number;
  expect(curse).toBeGreaterThan(0);
  expect(curse).toBeLessThan(0.1);
  expect(await estimateWinnersCurse(validation, result, 0)).toBe(curse);
  expect(evaluated).toHaveLength(before);
});

test('of one candidate there is no winner’s curse', async () => {
  const { validation } = await openScorers(await relu);
  expect(await estimateWinnersCurse(validation, await radin(validation, { ...options, budget: 1 }), 0)).toBe(0);
});

test('cross-entropy has scores and no counts', async () => {
  const { validation } = await openScorers(await relu, crossEntropy);
  const result = await radin(validation, options);
  const found = await splitStatistics(validation, result.best.mixture, Mixture.uniform(5, [0]));
  expect(found).toEqual({ samples: 150, score: result.best.score, otherScore: expect.any(Number) });
  expect(await estimateWinnersCurse(validation, result, 0)).toBeUndefined();
});
