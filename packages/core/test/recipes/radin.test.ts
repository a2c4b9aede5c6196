import { describe, expect, test } from 'vitest';
import { accuracy } from '../../src/metric/index.js';
import { type RadinOptions, radin } from '../../src/recipes/index.js';
import { exhaustive, monteCarlo } from '../../src/sampler/index.js';
import { raceTop } from '../../src/stage2/index.js';
import { everySubset, refused, soupAccuracy, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const relu = tinyPool(folder, { models: 6, samples: 120, hidden: 6, classes: 4, noise: 1.5, seed: 3 });
const options: RadinOptions = {
  samplers: [exhaustive],
  candidates: 200,
  seed: 0,
  includeUniform: true,
  budget: 63,
  lambda: 0,
};

describe('with a budget for all candidates', () => {
  test.each([0, 1])('RADIN with λ = %d finds the best soup of all subsets', async (lambda) => {
    const pool = await relu;
    const { validation, evaluated } = await openScorers(pool);
    const scores = everySubset(6).map((members) => soupAccuracy(pool, members, 'validation'));
    const { best, candidates, evaluations, method } = await radin(validation, { ...options, lambda });
    expect(best.score).toBe(Math.max(...scores));
    expect(best.score).toBe(soupAccuracy(pool, best.mixture.ingredients, 'validation'));
    expect(best.score).toBeGreaterThan(Math.max(...scores.filter((_, at) => everySubset(6)[at]?.length === 1)));
    expect(candidates).toHaveLength(63);
    expect(evaluations).toBe(63);
    expect(evaluated).toHaveLength(63);
    expect(method).toBe(lambda === 0 ? 'radin' : 'radin-prior');
  });
});

describe('with a budget of B', () => {
  test.each([1, 5, 20])(
    'RADIN evaluates the first %d candidates and returns the best of them by its real score',
    async (budget) => {
      const pool = await relu;
      const { validation, evaluated } = await openScorers(pool);
      const { best, candidates, evaluations } = await radin(validation, {
        ...options,
        samplers: [monteCarlo],
        candidates: 40,
        budget,
      });
      expect(evaluations).toBe(budget);
      expect(evaluated.filter((id) => id.includes('+'))).toHaveLength(budget);
      expect(candidates).toHaveLength(41);
      expect(candidates.map(({ rank }) => rank)).toEqual(candidates.map((_, at) => at + 1));
      const approx = candidates.map(({ approxScore }) => approxScore);
      expect(approx).toEqual([...approx].sort((a, b) => b - a));
      for (const [at, { mixture, score }] of candidates.entries()) {
        expect(score).toBe(at < budget ? soupAccuracy(pool, mixture.ingredients, 'validation') : undefined);
      }
      expect(best.score).toBe(Math.max(...candidates.slice(0, budget).map(({ score }) => score as number)));
    },
  );

  test('and λ = 1 RADIN evaluates the largest candidates and selects among them without the prior', async () => {
    const { validation } = await openScorers(await relu);
    const { candidates, best } = await radin(validation, { ...options, lambda: 1, budget: 22 });
    const top = candidates.slice(0, 22);
    expect(top.map(({ mixture }) => mixture.size)).toEqual([6, ...Array(6).fill(5), ...Array(15).fill(4)]);
    expect(best.score).toBe(Math.max(...top.map(({ score }) => score as number)));
    // A prior in stage 2 would let the first of these, of six models, win whatever it scores.
    expect(best.mixture.size).toBeLessThan(6);
  });

  test('of 1 and λ = 1 RADIN takes the uniform soup where it is a candidate', async () => {
    const { validation } = await openScorers(await relu);
    const one = { ...options, samplers: [monteCarlo], lambda: 1, budget: 1 };
    expect((await radin(validation, one)).best.mixture.size).toBe(6);
    expect((await radin(validation, { ...one, includeUniform: false })).best.mixture.size).toBe(5);
  });

  test('of less than 1 RADIN refuses', async () => {
    const { validation } = await openScorers(await relu);
    await expect(radin(validation, { ...options, budget: 0 })).rejects.toEqual(refused('CONFIG', /budget/));
  });
});

test('RADIN that races has the choice of full passes, for less', async () => {
  const [plain, raced] = [await openScorers(await relu), await openScorers(await relu, accuracy, 8)];
  const full = await radin(plain.validation, { ...options, budget: 30 });
  const race = await radin(raced.validation, {
    ...options,
    budget: 30,
    evaluate: (ranked, budget, call) => raceTop(raced.validation, ranked, budget, { mode: 'exact' }, call),
  });
  expect(race.best).toEqual(full.best);
  expect(race.evaluations).toBe(30);
  expect(race.passes).toBeLessThan(30);
  expect(full).not.toHaveProperty('passes');
  expect(race.candidates.map(({ mixture, rank }) => [mixture.key, rank])).toEqual(
    full.candidates.map(({ mixture, rank }) => [mixture.key, rank]),
  );
});

test('the same seed gives the same result, and its notices are the sampler’s', async () => {
  const search = async (seed: number, candidates: number) => {
    const { validation } = await openScorers(await relu);
    return radin(validation, { ...options, samplers: [monteCarlo], candidates, seed, budget: 3 });
  };
  const [first, again, other] = [await search(5, 20), await search(5, 20), await search(6, 20)];
  expect(again).toEqual(first);
  expect(other.candidates).not.toEqual(first.candidates);
  expect(first.notices).toEqual([]);
  expect((await search(5, 500)).notices).toEqual([expect.stringMatching(/56 subsets/)]);
});

test('renaming the models permutes nothing but their ids: every subset keeps its scores', async () => {
  const pool = await relu;
  const order = [4, 2, 0, 5, 1, 3];
  const models = order.map((k) => pool.files.models[k] as string);
  const [plain, permuted] = [await openScorers(pool), await openScorers({ files: { ...pool.files, models } })];
  const scoresById = async ({ validation, pool: { ids } }: typeof plain) => {
    const { candidates } = await radin(validation, options);
    return new Map(
      candidates.map(({ mixture, approxScore, score }) => {
        return [
          mixture.ingredients
            .map((k) => ids[k])
            .sort()
            .join('+'),
          { approxScore, score },
        ];
      }),
    );
  };
  const scores = await scoresById(plain);
  expect(await scoresById(permuted)).toEqual(scores);
  expect(scores.size).toBe(63);
});

test('an aborted search rejects with the reason', async () => {
  const { validation } = await openScorers(await relu);
  const controller = new AbortController();
  const reason = new Error('enough');
  const search = radin(validation, {
    ...options,
    signal: controller.signal,
    onProgress: ({ phase }) => phase === 'evaluate' && controller.abort(reason),
  });
  await expect(search).rejects.toBe(reason);
});
