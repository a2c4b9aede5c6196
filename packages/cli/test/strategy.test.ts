import type { SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LinearPool, linearPool } from './pools.js';
import { refusal } from './refusal.js';
import { radinJson } from './run-radin.js';
import { newFolder } from './scratch.js';

let pool: LinearPool;
beforeAll(async () => {
  pool = await linearPool({ models: 5 });
});

const search = (...options: string[]) =>
  radinJson<SearchReport>(['search', pool.folder, '--out', 'out', '--budget', '4', ...options], newFolder());

describe.concurrent('a search', () => {
  it('is adaptive unless something else is asked for, and is never below the best single model', async () => {
    const report = await search();
    expect(report).toMatchObject({ method: 'adaptive', evaluations: 4, passes: 4, racing: 'off', lambda: 0 });
    expect(report.best.valScore).toBeGreaterThanOrEqual(report.bestIndividual.valScore as number);
    expect(report.candidates.slice(0, 4).every(({ valScore }) => valScore !== undefined)).toBe(true);
    expect(await search('--strategy', 'adaptive', '--seed', '9')).toMatchObject({ best: report.best });
  });

  it.each([
    ['--lambda', '0'],
    ['--sampler', 'beam'],
    ['--racing', 'off'],
    ['--no-include-uniform'],
    ['--strategy', 'radin'],
  ])('with %s %s is the paper’s', async (...options) => {
    expect((await search(...options.filter((option) => option !== undefined))).method).toBe('radin');
  });

  it('compares itself with greedy where it is asked to, beyond its budget', async () => {
    const report = await search('--versus-greedy');
    const comparison = report.greedy as NonNullable<SearchReport['greedy']>;
    expect(report.evaluations).toBe(4);
    expect(comparison.evaluations).toBe(5);
    const { onlyFirst, onlySecond, difference } = comparison.validation as NonNullable<typeof comparison.validation>;
    expect(difference).toBeCloseTo((report.best.valScore as number) - comparison.valScore, 12);
    expect((onlyFirst - onlySecond) / report.pool.samples).toBeCloseTo(difference, 12);
    expect(comparison.test?.difference).toBeCloseTo(
      (report.best.testScore as number) - (comparison.testScore as number),
      12,
    );
  });

  it('refuses options of the paper’s search with the other', async () => {
    expect(await refusal(['search', '.', '--strategy', 'adaptive', '--sampler', 'beam'])).toBe(
      'radin: error: Expected --strategy radin with --sampler but found adaptive\n',
    );
  });
});
