import { describe, expect, test } from 'vitest';
import { bestIndividual, type CompareOptions, compare, greedySoup, radin } from '../../src/recipes/index.js';
import { exhaustive, monteCarlo } from '../../src/sampler/index.js';
import { soupAccuracy, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const relu = tinyPool(folder, { models: 5, samples: 120, hidden: 6, classes: 4, noise: 1.5, seed: 7 });
const METHODS = ['best-individual', 'uniform', 'logit-ensemble', 'greedy', 'radin', 'radin-prior'];
const options: CompareOptions = {
  samplers: [monteCarlo],
  candidates: 15,
  seed: 1,
  includeUniform: true,
  budgets: [1, 4, 50],
};

describe('the comparison', () => {
  test('has a row of every method for each budget, and the oracle where there is a test split', async () => {
    const { validation, test: testScorer } = await openScorers(await relu);
    const label = (rows: Awaited<ReturnType<typeof compare>>) =>
      rows.map(({ budget, result }) => `${result.method} ${budget}`).sort();
    const all = (methods: string[]) =>
      methods.flatMap((method) => [1, 4, 50].map((budget) => `${method} ${budget}`)).sort();
    const untested = await compare(validation, undefined, options);
    expect(label(untested)).toEqual(all(METHODS));
    for (const row of untested) expect(row).not.toHaveProperty('testScore');
    expect(label(await compare(validation, testScorer, options))).toEqual(all([...METHODS, 'oracle']));
  });

  test('reports the scores of the choices on both splits', async () => {
    const pool = await relu;
    const { validation, test: testScorer } = await openScorers(pool);
    for (const { result, valScore, testScore } of await compare(validation, testScorer, options)) {
      if (result.method === 'logit-ensemble') {
        expect([valScore]).toEqual([...(await validation.approxScores([result.best.mixture]))]);
        expect([testScore]).toEqual([...(await testScorer.approxScores([result.best.mixture]))]);
      } else {
        expect(valScore).toBe(soupAccuracy(pool, result.best.mixture.ingredients, 'validation'));
        expect(testScore).toBe(soupAccuracy(pool, result.best.mixture.ingredients, 'test'));
      }
    }
  });

  test('has the choices that the recipes make alone', async () => {
    const pool = await relu;
    const { validation } = await openScorers(pool);
    const rows = await compare(validation, undefined, options);
    const found = (method: string, budget: number) =>
      rows.find((row) => row.result.method === method && row.budget === budget)?.result;
    for (const budget of options.budgets) {
      const { validation: own } = await openScorers(pool);
      expect(found('best-individual', budget)).toEqual(await bestIndividual(own));
      expect(found('greedy', budget)).toEqual(await greedySoup(own, { budget }));
      expect(found('radin', budget)).toEqual(await radin(own, { ...options, budget, lambda: 0 }));
      expect(found('radin-prior', budget)).toEqual(await radin(own, { ...options, budget, lambda: 1 }));
    }
  });

  test('has an oracle that no soup of the candidates beats on the test split', async () => {
    const { validation, test: testScorer } = await openScorers(await relu);
    const rows = await compare(validation, testScorer, { ...options, samplers: [exhaustive] });
    const oracles = rows.filter(({ result }) => result.method === 'oracle').map(({ testScore }) => testScore as number);
    expect(new Set(oracles).size).toBe(1);
    for (const { result, testScore } of rows) {
      if (result.method !== 'logit-ensemble') expect(testScore).toBeLessThanOrEqual(oracles[0] as number);
    }
  });

  test('evaluates no soup twice, and none on the test split before everything is chosen', async () => {
    const { validation, test: testScorer, calls } = await openScorers(await relu);
    await compare(validation, testScorer, options);
    const soups = calls.filter((call) => call.includes('+'));
    expect(new Set(soups).size).toBe(soups.length);
    const begin = calls.findIndex((call) => call.startsWith('test'));
    // Only the oracle, which has chosen by the test split, is evaluated on the validation split afterwards.
    expect(calls.slice(begin).filter((call) => call.startsWith('validation')).length).toBeLessThanOrEqual(1);
    expect(calls.slice(0, begin).filter((call) => !call.includes('+'))).toHaveLength(5);
  });
});
