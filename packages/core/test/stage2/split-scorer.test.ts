import { describe, expect, test } from 'vitest';
import { accuracy, crossEntropy, topK } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { evaluateTop } from '../../src/stage2/index.js';
import { everySubset, refused, soupAccuracy, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from '../recipes/opened.js';

const folder = temporaryFolder();
const linear = tinyPool(folder, { models: 5, samples: 150, noise: 1.5 });
const relu = tinyPool(folder, { models: 5, samples: 150, hidden: 6, classes: 4, noise: 1.5, seed: 2 });
const mixtures = everySubset(5).map((members) => Mixture.uniform(5, members));

describe('of a linear network every subset’s soup scores as its averaged logits', () => {
  test.each([accuracy, topK(2)])('exactly: $name', async (metric) => {
    const { validation, evaluated } = await openScorers(await linear, metric);
    const approx = [...(await validation.approxScores(mixtures))];
    expect(await validation.scores(mixtures)).toEqual(approx);
    expect(evaluated.filter((id) => id.includes('+'))).toHaveLength(31 - 5);
    expect(new Set(approx).size).toBeGreaterThan(5);
  });

  test('to rounding: cross-entropy', async () => {
    const { validation } = await openScorers(await linear, crossEntropy);
    const approx = await validation.approxScores(mixtures);
    for (const [row, score] of (await validation.scores(mixtures)).entries()) {
      expect(Math.abs(score - (approx[row] as number))).toBeLessThan(1e-6);
    }
  });

  test('also with weights that are not uniform', async () => {
    const { validation } = await openScorers(await linear);
    const weighted = [Mixture.of([0.1, 0.2, 0.3, 0.4, 0]), Mixture.of([0.05, 0, 0, 0, 0.95])];
    expect(await validation.scores(weighted)).toEqual([...(await validation.approxScores(weighted))]);
  });
});

describe('of a network that is not linear', () => {
  test('soups score as a plain loop says, and not as the averaged logits', async () => {
    const { validation } = await openScorers(await relu);
    const pool = await relu;
    const scores = await validation.scores(mixtures);
    expect(scores).toEqual(everySubset(5).map((members) => soupAccuracy(pool, members, 'validation')));
    expect(scores).not.toEqual([...(await validation.approxScores(mixtures))]);
  });

  test('a mixture of one model scores the same in both stages, by any way there', async () => {
    const singles = mixtures.filter(({ size }) => size === 1);
    for (const metric of [accuracy, crossEntropy]) {
      const { validation, evaluated } = await openScorers(await relu, metric);
      const uncached = await validation.scores(singles);
      expect(evaluated).toHaveLength(5);
      expect([...(await validation.individualScores())]).toEqual(uncached);
      expect([...(await validation.approxScores(singles))]).toEqual(uncached);
      expect(await validation.scores(singles)).toEqual(uncached);
    }
  });
});

describe('nothing is evaluated twice:', () => {
  test('a soup that is asked for again, at once or later', async () => {
    const { validation, evaluated } = await openScorers(await relu);
    const pair = Mixture.uniform(5, [0, 1]);
    const [first, second] = await validation.scores([pair, Mixture.of([0.5, 0.5, 0, 0, 0])]);
    expect(second).toBe(first);
    await Promise.all([validation.scores([pair]), validation.scores([pair, Mixture.uniform(5, [1, 2])])]);
    expect(evaluated).toEqual(['m00+m01', 'm01+m02']);
  });

  test('the passes of the single models, and these as soups of one', async () => {
    const { validation, evaluated } = await openScorers(await relu);
    await Promise.all([validation.cache(), validation.individualScores()]);
    await validation.scores(mixtures.filter(({ size }) => size === 1));
    expect(evaluated).toEqual(['m00', 'm01', 'm02', 'm03', 'm04']);
  });
});

describe('an aborted call', () => {
  const reason = new Error('enough');

  test('to score soups rejects with the reason, and the soups can be asked for again', async () => {
    const { validation } = await openScorers(await relu);
    const controller = new AbortController();
    const pending = validation.scores(mixtures, { signal: controller.signal });
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    const pool = await relu;
    expect(await validation.scores([Mixture.uniform(5, [0, 1])])).toEqual([soupAccuracy(pool, [0, 1], 'validation')]);
  });

  test('for the cached logits rejects with the reason, and they can be asked for again', async () => {
    const { validation } = await openScorers(await relu);
    const controller = new AbortController();
    const pending = validation.cache({ signal: controller.signal });
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect((await validation.cache()).models).toHaveLength(5);
  });
});

test('progress names the phase and ends with everything done and the best score', async () => {
  const { validation, test: testScorer } = await openScorers(await relu);
  const reported: { phase: string; done: number; total: number; best?: number }[] = [];
  const onProgress = (progress: (typeof reported)[0]) => reported.push(progress);
  await validation.cache({ onProgress });
  expect(reported.at(-1)).toEqual({ phase: 'cache', done: 5, total: 5 });
  const scores = await validation.scores(mixtures.slice(6), { onProgress });
  expect(reported.at(-1)).toEqual({ phase: 'evaluate', done: 25, total: 25, best: Math.max(...scores) });
  await testScorer.scores(mixtures.slice(6, 8), { onProgress });
  expect(reported.at(-1)).toMatchObject({ phase: 'test', done: 2, total: 2 });
  for (const { done, total } of reported) expect(done).toBeLessThanOrEqual(total);
});

describe('the top of a ranking', () => {
  const ranked = mixtures.map((mixture, at) => ({ mixture, approxScore: 0, rank: at + 1 }));

  test.each([1, 4, 31, 100])('within a budget of %d is evaluated, and no more', async (budget) => {
    const { validation, evaluated } = await openScorers(await relu);
    const top = await evaluateTop(validation, ranked, budget);
    expect(top).toHaveLength(Math.min(budget, 31));
    expect(evaluated).toHaveLength(Math.min(budget, 31));
    const pool = await relu;
    for (const { mixture, score } of top) expect(score).toBe(soupAccuracy(pool, mixture.ingredients, 'validation'));
  });

  test.each([0, -1, 1.5, Number.NaN])('within a budget of %d is refused', async (budget) => {
    const { validation } = await openScorers(await relu);
    await expect(evaluateTop(validation, ranked, budget)).rejects.toEqual(refused('CONFIG', /budget of at least 1/));
  });
});
