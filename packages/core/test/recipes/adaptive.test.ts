import { describe, expect, test } from 'vitest';
import { crossEntropy } from '../../src/metric/index.js';
import { adaptive, bestIndividual, type CurvePoint, greedySoup } from '../../src/recipes/index.js';
import { everySubset, f32, membersOf, soupAccuracy, temporaryFolder, tinyPool, writeModel } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const relu = tinyPool(folder, { models: 6, samples: 150, hidden: 6, classes: 4, noise: 1.5, seed: 5 });
const budgets = [1, 2, 3, 5, 9];
const candidates = 200;

test('the choice is never below the best single model, and its score is that of its soup', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const pool = await tinyPool(folder, { models: 5, samples: 60, hidden: 6, classes: 4, noise: 2, seed });
    for (const budget of budgets) {
      const { validation, geometry } = await openScorers(pool);
      const { best } = await adaptive(validation, { budget, candidates, geometry });
      expect(best.score).toBeGreaterThanOrEqual((await bestIndividual(validation)).best.score);
      expect(best.score).toBe(soupAccuracy(pool, membersOf(best.mixture), 'validation'));
    }
  }
});

test('B evaluations are the first of those of any larger budget, no soup twice', async () => {
  const pool = await relu;
  const [runs, curves]: [string[][], CurvePoint[][]] = [[], []];
  for (const budget of budgets) {
    const { validation, geometry, opened } = await openScorers(pool);
    const result = await adaptive(validation, { budget, candidates, geometry });
    expect(result.evaluations).toBe(budget);
    expect(opened).toHaveLength(budget);
    const soups = result.candidates.slice(0, budget);
    expect(new Set(soups.map(({ mixture }) => mixture.key)).size).toBe(budget);
    runs.push(soups.map(({ mixture, score, scoreAtMost }) => `${mixture.key} ${score} ${scoreAtMost}`));
    curves.push([...(result.curve ?? [])]);
    expect(result.curve?.at(-1)?.best.mixture.key).toBe(result.best.mixture.key);
  }
  for (const run of runs) expect(run).toEqual(runs.at(-1)?.slice(0, run.length));
  // So one run's curve has the choice at every smaller budget.
  for (const [at, curve] of curves.entries()) {
    expect(curve).toEqual(curves.at(-1)?.filter(({ evaluations }) => evaluations <= (budgets[at] as number)));
  }
});

test('candidates are ranked from 1 without gaps, each once, and the best is one of them', async () => {
  const { validation, geometry } = await openScorers(await relu);
  const { best, candidates: listed, scored } = await adaptive(validation, { budget: 4, candidates, geometry });
  expect(listed.map(({ rank }) => rank)).toEqual(listed.map((_, index) => index + 1));
  expect(new Set(listed.map(({ mixture }) => mixture.key)).size).toBe(listed.length);
  expect(listed).toContainEqual(best);
  // Single models are listed and were not scored as candidates.
  expect(scored).toBe(listed.length - 6);
});

test('with a budget for all candidates of four models it finds the best of all subsets', async () => {
  const pool = await tinyPool(folder, { models: 4, samples: 90, hidden: 6, classes: 4, noise: 2, seed: 8 });
  const { validation, geometry } = await openScorers(pool);
  const { best } = await adaptive(validation, { budget: 500, candidates, geometry });
  const scores = everySubset(4).map((members) => soupAccuracy(pool, members, 'validation'));
  expect(best.score).toBeGreaterThanOrEqual(Math.max(...scores));
});

test('of one model the choice is that model, and nothing is evaluated', async () => {
  const pool = await tinyPool(folder, { models: 1, samples: 20 });
  const { validation, geometry } = await openScorers(pool);
  const { best, evaluations } = await adaptive(validation, { budget: 5, candidates, geometry });
  expect([best.mixture.key, evaluations]).toEqual(['0000', 0]);
});

test('cross-entropy is searched too', async () => {
  const { validation, geometry } = await openScorers(await relu, crossEntropy);
  const { best } = await adaptive(validation, { budget: 5, candidates, geometry });
  expect(best.score).toBeGreaterThanOrEqual((await bestIndividual(validation)).best.score);
});

describe('with a model that computes the same as another by weights far from all others', () => {
  // A hidden layer 20 times as large before a last layer a 20th: the same logits, and soups with it are ruined.
  const ruined = (async () => {
    const pool = await tinyPool(folder, { models: 6, samples: 200, hidden: 8, classes: 4, noise: 0.6, seed: 11 });
    const { w1, w2 } = pool.weights[0] as Record<'w1' | 'w2', Float32Array>;
    await writeModel(pool.files.models[5] as string, {
      w1: f32(
        pool.shapes.w1 as number[],
        w1.map((value) => value * 20),
      ),
      w2: f32(
        pool.shapes.w2 as number[],
        w2.map((value) => value / 20),
      ),
    });
    return pool;
  })();

  test('no evaluation is wasted on it, and one is enough to be level with greedy after all', async () => {
    const { validation, geometry } = await openScorers(await ruined);
    const { candidates: listed, evaluations } = await adaptive(validation, { budget: 8, candidates, geometry });
    const tried = listed.slice(0, evaluations).map(({ mixture }) => mixture.ingredients);
    expect(tried.filter((ingredients) => ingredients.includes(5))).toEqual([]);
    const one = await adaptive(validation, { budget: 1, candidates, geometry });
    const greedy = await greedySoup(validation, { budget: 6 });
    expect(one.best.score).toBeGreaterThanOrEqual(greedy.best.score);
  });
});
