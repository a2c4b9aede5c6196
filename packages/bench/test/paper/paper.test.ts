import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { soupAccuracy, temporaryFolder } from '../../../core/test/pools.js';
import { METHODS } from '../../src/paper/methods.js';
import { poolFolder } from '../soups/pools.js';
import { paperOf, withoutTest, withoutTimes } from './run.js';

const folder = temporaryFolder();
const relu = poolFolder(folder, { models: 6, samples: 90, hidden: 6, classes: 4, noise: 1.5, seed: 6 });
const linear = poolFolder(folder, { models: 6, samples: 80, noise: 2 });

it('on a linear network the estimate is the validation score, and Spearman’s ρ is 1', async () => {
  const { seeds, pooled, reported, notices, rows } = await paperOf(withoutTest((await linear).folder));
  expect(reported).toBe('validation');
  for (const { candidates, withoutPrior } of seeds) {
    expect(candidates).toHaveLength(20);
    for (const { approx, validation } of candidates ?? []) expect(approx).toBe(validation);
    expect(withoutPrior).toEqual({ rho: 1, p: 0, lower: 1, upper: 1 });
  }
  expect(pooled.withoutPrior.rho).toBe(1);
  expect(pooled.rhoWithoutPrior).toEqual({ mean: 1, deviation: 0, min: 1, max: 1 });
  // Nothing is known that the search has not seen.
  expect(notices).toContainEqual(expect.stringContaining('no test split'));
  expect(rows.map(({ method }) => method)).not.toContain('oracle');
  expect(rows.every(({ test, gap }) => test === undefined && gap === undefined)).toBe(true);
});

it('no soup is evaluated twice, and none in a second run, which finds the same', async () => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  const path = (await relu).folder;
  const first = await paperOf(path, { cache });
  // Every evaluation is measured, so evaluations and different soups are as many.
  expect(first.cost.evaluated).toBe(first.cost.soups);
  expect(first.cost.measured).toBe(first.cost.soups);
  expect(first.cost.soups).toBeGreaterThan(20);
  const second = await paperOf(path, { cache });
  expect(second.cost.evaluated).toBe(0);
  expect(second.cost.measured).toBe(first.cost.measured);
  expect(second.cost.secondsPerEvaluation).toBeCloseTo(first.cost.secondsPerEvaluation as number, 12);
  expect(withoutTimes(second)).toEqual(withoutTimes(first));
  // One more seed has candidates of its own, and adds no more than these.
  const third = await paperOf(path, { cache, seeds: 3, budgets: [1, 3, 5] });
  expect(third.cost.evaluated).toBe(third.cost.soups - first.cost.soups);
  expect(third.seeds.slice(0, 2)).toEqual(first.seeds);
});

it('all methods are there, what they choose is scored as plain loops score it, and a larger budget is never worse', async () => {
  const pool = await relu;
  const { rows, runs, curves, settings, reported } = await paperOf(pool.folder);
  expect([...new Set(rows.map(({ method }) => method))]).toEqual([...METHODS.map(({ name }) => name), 'oracle']);
  expect(reported).toBe('test');
  for (const { method, models, weights, validation, test, evaluations, budget } of runs) {
    if (method === 'logit-ensemble' || weights !== undefined) continue;
    expect(validation).toBeCloseTo(soupAccuracy(pool, models, 'validation'), 12);
    expect(test).toBeCloseTo(soupAccuracy(pool, models, 'test'), 12);
    if (budget !== null) expect(evaluations).toBeLessThanOrEqual(budget);
  }
  expect(curves.map(({ method }) => method)).toEqual(['greedy', 'radin', 'radin-prior', 'adaptive']);
  for (const { method, points } of curves) {
    expect(points).toHaveLength(settings.curveBudget);
    for (const [index, { budget, validation, passes }] of points.entries()) {
      const before = points[index - 1];
      if (before === undefined) continue;
      // A spread's mean over seeds of numbers that do not fall may fall by rounding.
      expect(validation.mean).toBeGreaterThanOrEqual(before.validation.mean - 1e-12);
      expect(passes).toBeGreaterThanOrEqual(before.passes);
      // The curve goes through the table.
      const row = rows.find((one) => one.method === method && one.budget === budget);
      if (row !== undefined) expect(row.validation).toEqual(validation);
      if (row !== undefined) expect(row.passes.mean).toBeCloseTo(passes, 9);
    }
  }
});

it('a method is better or worse where McNemar’s test says so, and the oracle is never below what was chosen among its candidates', async () => {
  const { rows, runs } = await paperOf((await relu).folder);
  for (const { method, budget, versusGreedy, runs: count } of rows) {
    const own = runs.filter((run) => run.method === method && run.budget === budget);
    expect(own).toHaveLength(count);
    if (method === 'greedy') expect(versusGreedy).toBeUndefined();
    else {
      const clear = own.filter((run) => (run.versusGreedy?.p as number) < 0.05);
      const better = clear.filter(
        (run) => (run.versusGreedy?.onlyThis as number) > (run.versusGreedy?.onlyOther as number),
      );
      expect(versusGreedy).toEqual({
        better: better.length,
        worse: clear.length - better.length,
        neither: count - clear.length,
      });
    }
  }
  for (const { method, seed, test } of runs) {
    const oracle = runs.find((run) => run.method === 'oracle' && run.seed === seed);
    if (method === 'radin' || method === 'radin-prior') expect(oracle?.test).toBeGreaterThanOrEqual(test as number);
  }
});

it('all subsets contain the candidates’ oracle, are evaluated once, and are found again', async () => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  const pool = await relu;
  const lines: string[] = [];
  const { allSubsets, runs, cost } = await paperOf(pool.folder, { cache, bruteForce: true }, (text) =>
    lines.push(text),
  );
  expect(allSubsets?.count).toBe(63);
  expect(allSubsets?.sizes.map(({ count }) => count)).toEqual([6, 15, 20, 15, 6, 1]);
  // Singles are known, the best two are asked for once more for their samples, and nothing else is evaluated twice.
  expect(cost.measured).toBeLessThanOrEqual(cost.evaluated + 2);
  expect(lines.some((line) => /^all subsets: \d+ of \d+ soups/.test(line))).toBe(true);
  const found = (method: string) => runs.filter((run) => run.method === method);
  const [best, oracle] = [found('best-subset')[0], found('oracle-subset')[0]];
  for (const { test } of found('oracle')) expect(oracle?.test).toBeGreaterThanOrEqual(test as number);
  for (const run of runs) {
    if (run.weights === undefined && run.method !== 'logit-ensemble')
      expect(best?.validation).toBeGreaterThanOrEqual(run.validation);
  }
  expect(oracle?.test).toBeCloseTo(soupAccuracy(pool, oracle?.models ?? [], 'test'), 12);
  const again = await paperOf(pool.folder, { cache });
  expect(again.cost.evaluated).toBe(0);
  expect(again.allSubsets).toEqual(allSubsets);
});

it.each([1, 2, 3])('a pool of %d models has a table, and says what is missing', async (models) => {
  const { folder: path } = await poolFolder(folder, { models, samples: 40, hidden: 4, noise: 1, seed: 9 });
  const { rows, curves, notices, sizes, seeds } = await paperOf(path, { cache: undefined, bruteForce: true });
  expect(rows.length).toBeGreaterThan(9);
  expect(curves).toHaveLength(4);
  expect(sizes.map((size) => size.models)).toEqual([[1], [2], [2]][models - 1]);
  expect(seeds[0]?.count).toBe([1, 1, 3][models - 1]);
  if (models < 3) expect(notices).toContainEqual(expect.stringContaining('the uniform soup is a candidate'));
});
