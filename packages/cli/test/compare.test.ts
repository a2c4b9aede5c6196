import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ComparisonReport, RunRecord, SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { accuracyOf, type LinearPool, linearPool } from './pools.js';
import { DIGITS, radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

type Row = ComparisonReport['rows'][number];

const CHOOSERS = ['best-individual', 'uniform', 'logit-ensemble', 'greedy', 'radin', 'radin-prior', 'adaptive'];

const row = ({ rows }: ComparisonReport, method: string, budget: number): Row => {
  const found = rows.filter((candidate) => candidate.method === method && candidate.budget === budget);
  expect(found, `${method} at ${budget}`).toHaveLength(1);
  return found[0] as Row;
};

describe('compare', () => {
  let pool: LinearPool;
  let report: ComparisonReport;
  beforeAll(async () => {
    pool = await linearPool({ models: 5 });
    report = await radinJson<ComparisonReport>(
      ['compare', pool.folder, '--budgets', '1,3,9', '--no-report', '--out', 'out'],
      pool.folder,
    );
  });

  it('has one row of every method for each budget', () => {
    const keys =
      'schema pool metric budgets candidates sampler seed backend notices models disagreement written rows reused timings versions';
    expect(Object.keys(report).sort()).toEqual(keys.split(' ').sort());
    expect(report.pool).toMatchObject({ models: 5, samples: 150, classes: 4 });
    expect(report.rows).toHaveLength(3 * 8);
    for (const budget of [1, 3, 9]) for (const method of [...CHOOSERS, 'oracle']) row(report, method, budget);
  });

  it('has the documented keys in each row, and the steps of greedy', () => {
    const keys = ['method', 'budget', 'valScore', 'testScore', 'evaluations', 'models', 'weights'];
    for (const found of report.rows) {
      const more = [
        ...(found.method === 'greedy' ? ['trace'] : []),
        ...(found.method === 'adaptive' ? ['curve', 'passes'] : []),
        ...(found.method.startsWith('radin') ? ['curve'] : []),
        ...(found.method === 'logit-ensemble' ? [] : ['statistics']),
      ];
      expect(Object.keys(found).sort()).toEqual([...keys, ...more].sort());
      if (found.method === 'adaptive') expect(found.weights.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 12);
      else expect(found.weights).toEqual(found.models.map(() => 1 / found.models.length));
    }
  });

  it('scores the choice of every method as a soup computed by hand', () => {
    for (const { method, models, weights, valScore, testScore } of report.rows) {
      expect(valScore, method).toBe(accuracyOf(pool, models, pool.validation, weights));
      expect(testScore, method).toBe(accuracyOf(pool, models, pool.test, weights));
    }
  });

  it('has the scores of the single models on both splits, and names the row whose soup it wrote', () => {
    for (const { model, valScore, testScore } of report.models) {
      expect(valScore).toBe(accuracyOf(pool, [model], pool.validation));
      expect(testScore).toBe(accuracyOf(pool, [model], pool.test));
    }
    const { method, budget } = report.written;
    expect(row(report, method, budget).valScore).toBe(
      Math.max(
        ...report.rows.filter((one) => !['logit-ensemble', 'oracle'].includes(one.method)).map((one) => one.valScore),
      ),
    );
  });

  it('stays within each budget', () => {
    const evaluations = (method: string) => [1, 3, 9].map((budget) => row(report, method, budget).evaluations);
    expect(evaluations('best-individual')).toEqual([0, 0, 0]);
    expect(evaluations('uniform')).toEqual([1, 1, 1]);
    expect(evaluations('logit-ensemble')).toEqual([0, 0, 0]);
    expect(evaluations('greedy')).toEqual([1, 3, 5]);
    expect(evaluations('radin')).toEqual([1, 3, 9]);
    expect(evaluations('radin-prior')).toEqual([1, 3, 9]);
    expect(evaluations('adaptive')).toEqual([1, 3, 9]);
  });

  it('has the best single model as best individual, and as greedy at B = 1', () => {
    const scores = pool.models.map(({ id }) => accuracyOf(pool, [id], pool.validation));
    for (const budget of [1, 3, 9]) {
      expect(row(report, 'best-individual', budget).valScore).toBe(Math.max(...scores));
    }
    expect(row(report, 'greedy', 1).models).toEqual(row(report, 'best-individual', 1).models);
    expect(row(report, 'greedy', 1).valScore).toBe(Math.max(...scores));
  });

  it('has a trace in which greedy keeps exactly the models that do not lower its score, from the best on', () => {
    const order = pool.models
      .map(({ id }) => ({ id, score: accuracyOf(pool, [id], pool.validation) }))
      .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    for (const budget of [1, 3, 9]) {
      const { trace = [], models, valScore } = row(report, 'greedy', budget);
      expect(trace.map(({ model }) => model)).toEqual(order.slice(0, budget).map(({ id }) => id));
      let kept: string[] = [];
      let best = 0;
      for (const step of trace) {
        const score = accuracyOf(pool, [...kept, step.model], pool.validation);
        expect(step).toEqual({ model: step.model, valScore: score, kept: score >= best });
        if (score >= best) kept = [...kept, step.model];
        best = Math.max(best, score);
      }
      expect([models, valScore]).toEqual([kept.sort(), best]);
    }
  });

  it.concurrent.each([1, 3, 9])('has the choices of two searches in its rows of RADIN at B = %i', async (budget) => {
    for (const [method, lambda] of [
      ['radin', '0'],
      ['radin-prior', '1'],
    ] as const) {
      const { best } = await radinJson<SearchReport>(
        ['search', pool.folder, '--lambda', lambda, '--budget', String(budget), '--no-report', '--out', 'out'],
        newFolder(),
      );
      const { models, valScore, testScore } = row(report, method, budget);
      expect({ models, valScore, testScore }).toEqual({
        models: best.models,
        valScore: best.valScore,
        testScore: best.testScore,
      });
    }
  });

  it('has as oracle the candidate with the best test score', async () => {
    const { candidates } = await radinJson<SearchReport>(
      ['search', pool.folder, '--strategy', 'radin', '--no-report', '--out', 'out'],
      newFolder(),
    );
    const scores = candidates.map(({ models }) => accuracyOf(pool, models, pool.test));
    for (const budget of [1, 3, 9]) {
      expect(row(report, 'oracle', budget)).toMatchObject({ testScore: Math.max(...scores), evaluations: 26 });
    }
  });

  it('saves what it prints and the best soup by validation', async () => {
    const saved = readFileSync(join(pool.folder, 'out', 'comparison.json'), 'utf8');
    expect(report).toMatchObject(JSON.parse(saved));
    const { score } = await radinJson<{ score: number }>(
      ['evaluate', pool.folder, join('out', 'soup.safetensors')],
      pool.folder,
    );
    const soups = report.rows.filter(({ method }) => method !== 'oracle' && method !== 'logit-ensemble');
    expect(score).toBe(Math.max(...soups.map(({ valScore }) => valScore)));
  });

  it('has neither an oracle nor test scores where the pool has no test split', async () => {
    const untested = await linearPool({ test: false });
    const { rows } = await radinJson<ComparisonReport>(
      ['compare', untested.folder, '--budgets', '1,3', '--no-report', '--out', 'out'],
      untested.folder,
    );
    expect(rows.map(({ method }) => method)).toEqual([...CHOOSERS, ...CHOOSERS]);
    for (const found of rows) expect(found).not.toHaveProperty('testScore');
  });

  it('prints a table with a line for each method without --json', async () => {
    const { code, stdout } = await runRadin(['compare', pool.folder, '--budgets', '2,4', '--out', 'out'], newFolder());
    expect(code).toBe(0);
    for (const title of [
      'best individual',
      'uniform soup',
      'logit ensemble',
      'greedy soup',
      'RADIN, λ = 1',
      'adaptive',
      'oracle',
    ]) {
      expect(stdout).toMatch(new RegExp(`^${title}.* \\d+\\.\\d\\d `, 'm'));
    }
    expect(stdout).toMatch(/B = 2 .*B = 4\n/);
    expect(stdout).toMatch(
      /^i, g: differs from the best individual, from greedy at the same budget on the test samples/m,
    );
  });
});

it('demo compares on the example pool, wherever it is run', async () => {
  const folder = newFolder();
  const few = ['--budgets', '1,2', '--candidates', '4'];
  const demo = await radinJson<ComparisonReport & RunRecord>(['demo', ...few, '--no-report', '--out', 'demo'], folder);
  const compared = await radinJson<ComparisonReport & RunRecord>(
    ['compare', DIGITS, ...few, '--no-report', '--out', 'same'],
    folder,
  );
  const fixed = ({ timings: _, ...report }: ComparisonReport & RunRecord) => report;
  expect(fixed(demo)).toEqual(fixed(compared));
  expect(demo.pool).toMatchObject({ models: 16, samples: 2000, classes: 10 });
});
