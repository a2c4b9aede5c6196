import { describe, expect, test } from 'vitest';
import {
  adaptive,
  bestIndividual,
  type CompareOptions,
  type ComparisonRow,
  compare,
  compareOnTest,
  greedySoup,
  radin,
} from '../../src/recipes/index.js';
import { exhaustive, monteCarlo } from '../../src/sampler/index.js';
import type { SplitScorer } from '../../src/stage2/index.js';
import { membersOf, soupAccuracy, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const relu = tinyPool(folder, { models: 5, samples: 120, hidden: 6, classes: 4, noise: 1.5, seed: 7 });
const METHODS = ['best-individual', 'uniform', 'logit-ensemble', 'greedy', 'radin', 'radin-prior', 'adaptive'];
const options: Omit<CompareOptions, 'geometry'> = {
  samplers: [monteCarlo],
  candidates: 15,
  seed: 1,
  includeUniform: true,
  budgets: [1, 4, 50],
};

async function onBoth(
  validation: SplitScorer,
  testScorer: SplitScorer,
  comparing: CompareOptions,
): Promise<ComparisonRow[]> {
  return compareOnTest(await compare(validation, comparing), validation, testScorer, comparing);
}

describe('the comparison', () => {
  test('has a row of every method for each budget, and the oracle where there is a test split', async () => {
    const { validation, geometry, test: testScorer } = await openScorers(await relu);
    const label = (rows: readonly ComparisonRow[]) =>
      rows.map(({ budget, result }) => `${result.method} ${budget}`).sort();
    const all = (methods: string[]) =>
      methods.flatMap((method) => [1, 4, 50].map((budget) => `${method} ${budget}`)).sort();
    const untested = await compare(validation, { ...options, geometry });
    expect(label(untested)).toEqual(all(METHODS));
    for (const row of untested) expect(row).not.toHaveProperty('testScore');
    expect(label(await onBoth(validation, testScorer, { ...options, geometry }))).toEqual(all([...METHODS, 'oracle']));
  });

  test('reports the scores of the choices on both splits', async () => {
    const pool = await relu;
    const { validation, geometry, test: testScorer } = await openScorers(pool);
    for (const { result, valScore, testScore } of await onBoth(validation, testScorer, { ...options, geometry })) {
      if (result.method === 'logit-ensemble') {
        expect([valScore]).toEqual([...(await validation.approxScores([result.best.mixture]))]);
        expect([testScore]).toEqual([...(await testScorer.approxScores([result.best.mixture]))]);
      } else {
        expect(valScore).toBe(soupAccuracy(pool, membersOf(result.best.mixture), 'validation'));
        expect(testScore).toBe(soupAccuracy(pool, membersOf(result.best.mixture), 'test'));
      }
    }
  });

  test('has the choices that the recipes make alone', async () => {
    const pool = await relu;
    const { validation, geometry } = await openScorers(pool);
    const rows = await compare(validation, { ...options, geometry });
    const found = (method: string, budget: number) =>
      rows.find((row) => row.result.method === method && row.budget === budget)?.result;
    for (const budget of options.budgets) {
      const { validation: own } = await openScorers(pool);
      expect(found('best-individual', budget)).toEqual(await bestIndividual(own));
      expect(found('greedy', budget)).toEqual(await greedySoup(own, { budget }));
      expect(found('radin', budget)).toEqual(await radin(own, { ...options, budget, lambda: 0 }));
      expect(found('radin-prior', budget)).toEqual(await radin(own, { ...options, budget, lambda: 1 }));
      expect(found('adaptive', budget)).toEqual(await adaptive(own, { ...options, geometry, budget }));
    }
  });

  test('has an oracle that no soup of the candidates beats on the test split', async () => {
    const { validation, geometry, test: testScorer } = await openScorers(await relu);
    const rows = await onBoth(validation, testScorer, { ...options, geometry, samplers: [exhaustive] });
    const oracles = rows.filter(({ result }) => result.method === 'oracle').map(({ testScore }) => testScore as number);
    expect(new Set(oracles).size).toBe(1);
    for (const { result, testScore } of rows) {
      const isCandidate = result.method !== 'logit-ensemble' && result.best.mixture.uniform;
      if (isCandidate) expect(testScore).toBeLessThanOrEqual(oracles[0] as number);
    }
  });

  test('evaluates no soup twice, and none on the test split before everything is chosen', async () => {
    const { validation, geometry, test: testScorer, calls } = await openScorers(await relu);
    await onBoth(validation, testScorer, { ...options, geometry });
    const soups = calls.filter((call) => call.includes('+'));
    expect(new Set(soups).size).toBe(soups.length);
    const begin = calls.findIndex((call) => call.startsWith('test'));
    // Only the oracle, which has chosen by the test split, is evaluated on the validation split afterwards.
    expect(calls.slice(begin).filter((call) => call.startsWith('validation')).length).toBeLessThanOrEqual(1);
    expect(calls.slice(0, begin).filter((call) => !call.includes('+'))).toHaveLength(5);
  });
});
