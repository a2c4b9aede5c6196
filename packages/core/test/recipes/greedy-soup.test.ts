import { describe, expect, test } from 'vitest';
import { bestIndividual, greedySoup } from '../../src/recipes/index.js';
import { refused, soupAccuracy, type TinyPool, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const [MODELS, SAMPLES] = [7, 60];
/** Few samples, so that soups of equal accuracy are common. */
const pools = [1, 2, 3, 4].map((seed) =>
  tinyPool(folder, { models: MODELS, samples: SAMPLES, hidden: 6, classes: 3, noise: 1.2, seed }),
);

/** Recipe 1 by plain loops. */
function greedyOf(pool: TinyPool, budget: number, variant: { sign?: 1 | -1; keepsTies?: boolean } = {}) {
  const { sign = 1, keepsTies = true } = variant;
  const accuracy = (members: number[]) =>
    soupAccuracy(
      pool,
      members.toSorted((a, b) => a - b),
      'validation',
    );
  const single = pool.weights.map((_, k) => accuracy([k]));
  const order = [...single.keys()];
  order.sort((a, b) => sign * ((single[b] as number) - (single[a] as number)) || a - b);
  let kept = [order[0] as number];
  let best = single[kept[0] as number] as number;
  const trace = [{ model: kept[0] as number, score: best, kept: true }];
  const ties: number[] = [];
  for (const model of order.slice(1, budget)) {
    const score = accuracy([...kept, model]);
    const isKept = keepsTies ? score >= best : score > best;
    trace.push({ model, score, kept: isKept });
    if (score === best) ties.push(model);
    if (isKept) {
      kept = [...kept, model];
      best = score;
    }
  }
  return { kept: kept.sort((a, b) => a - b), best, trace, ties };
}

describe('greedy is the loop of Recipe 1', () => {
  test.each([0, 1, 2, 3])('on pool %d, for every budget', async (index) => {
    const pool = (await Promise.all(pools))[index] as TinyPool;
    for (const budget of [1, 2, 4, 7, 25]) {
      const { validation, evaluated } = await openScorers(pool);
      const { best, candidates, trace, evaluations, method } = await greedySoup(validation, { budget });
      const expected = greedyOf(pool, budget);
      expect(trace).toEqual(expected.trace);
      expect(best.mixture.ingredients).toEqual(expected.kept);
      expect(best.score).toBe(expected.best);
      expect(candidates).toEqual([best]);
      expect(evaluations).toBe(Math.min(budget, MODELS));
      // The first step's score is known from the passes.
      expect(evaluated.filter((id) => id.includes('+'))).toHaveLength(Math.min(budget, MODELS) - 1);
      expect(method).toBe('greedy');
    }
  });

  test.each([0, 1, 2, 3])(
    'on pool %d, and so are its variants: > instead of ≥, and the worst model first',
    async (index) => {
      const pool = (await Promise.all(pools))[index] as TinyPool;
      const { validation } = await openScorers(pool);
      for (const budget of [1, 3, 7]) {
        const strict = await greedySoup(validation, { budget, accept: 'better' });
        expect(strict.trace).toEqual(greedyOf(pool, budget, { keepsTies: false }).trace);
        const ascending = await greedySoup(validation, { budget, order: 'worst-first' });
        expect(ascending.trace).toEqual(greedyOf(pool, budget, { sign: -1 }).trace);
      }
    },
  );

  test('on pools where steps are kept that change nothing, steps that help, and steps are refused', async () => {
    const all = (await Promise.all(pools)).map((pool) => greedyOf(pool, MODELS));
    expect(all.flatMap(({ ties }) => ties).length).toBeGreaterThan(0);
    expect(all.flatMap(({ trace }) => trace).some(({ kept }) => !kept)).toBe(true);
    expect(all.some(({ best, trace }) => best > (trace[0]?.score as number))).toBe(true);
  });
});

test('greedy with a budget of 1 is the best individual', async () => {
  const { validation } = await openScorers((await Promise.all(pools))[0] as TinyPool);
  const [greedy, individual] = [await greedySoup(validation, { budget: 1 }), await bestIndividual(validation)];
  expect(greedy.best.mixture.key).toBe(individual.best.mixture.key);
  expect(greedy.best.score).toBe(individual.best.score);
});

test('greedy with a budget of more than N is greedy with N', async () => {
  const { validation } = await openScorers((await Promise.all(pools))[1] as TinyPool);
  const whole = await greedySoup(validation, { budget: MODELS });
  expect(await greedySoup(validation, { budget: MODELS + 1 })).toEqual(whole);
  expect(await greedySoup(validation, { budget: 1000 })).toEqual(whole);
});

test.each([0, -1, 1.5])('a budget of %d is refused', async (budget) => {
  const { validation } = await openScorers((await Promise.all(pools))[0] as TinyPool);
  await expect(greedySoup(validation, { budget })).rejects.toEqual(refused('CONFIG', /budget of at least 1/));
});

test('progress counts the steps, with the best score so far', async () => {
  const { validation } = await openScorers((await Promise.all(pools))[0] as TinyPool);
  const steps: unknown[] = [];
  const { trace } = await greedySoup(validation, {
    budget: 4,
    onProgress: (progress) => progress.phase === 'evaluate' && steps.push(progress),
  });
  const best = (step: number) => Math.max(...(trace ?? []).slice(0, step).map(({ score }) => score as number));
  expect(steps).toEqual([1, 2, 3, 4].map((done) => ({ phase: 'evaluate', done, total: 4, best: best(done) })));
});
