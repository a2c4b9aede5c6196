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
  radinJson<SearchReport>(
    ['search', pool.folder, '--no-report', '--out', 'out', '--budget', '4', ...options],
    newFolder(),
  );

describe.concurrent('a search', () => {
  it('is adaptive unless something else is asked for, and is never below the best single model', async () => {
    const report = await search();
    expect(report).toMatchObject({ method: 'adaptive', evaluations: 4, racing: 'exact', lambda: 0 });
    expect(report.best.valScore).toBeGreaterThanOrEqual(report.bestIndividual.valScore as number);
    for (const { valScore, valScoreAtMost } of report.candidates.slice(0, 4)) {
      expect((valScore === undefined) !== (valScoreAtMost === undefined)).toBe(true);
    }
    expect(report.curve?.[0]).toMatchObject({ evaluations: 0, valScore: report.bestIndividual.valScore, passes: 0 });
    expect(report.curve?.at(-1)?.valScore).toBe(report.best.valScore);
    expect(await search('--strategy', 'adaptive', '--seed', '9')).toMatchObject({ best: report.best });
  });

  it.each([['--lambda', '0'], ['--sampler', 'beam'], ['--no-include-uniform'], ['--strategy', 'radin']])(
    'with %s %s is the paper’s',
    async (...options) => {
      expect((await search(...options.filter((option) => option !== undefined))).method).toBe('radin');
    },
  );

  it('finds the same without racing, whose passes are full', async () => {
    const [race, full] = [await search(), await search('--racing', 'off')];
    expect(full).toMatchObject({ method: 'adaptive', racing: 'off', passes: 4, best: race.best });
    expect(race.passes).toBeLessThan(4);
    expect(full.candidates.slice(0, 4).every(({ valScore }) => valScore !== undefined)).toBe(true);
    const choices = ({ curve }: SearchReport) => curve?.map(({ passes: _, ...point }) => point);
    expect(choices(full)).toEqual(choices(race));
  });

  it('has a curve with the paper’s strategy only where no soup was stopped', async () => {
    expect((await search('--strategy', 'radin')).curve).toBeUndefined();
    const { curve, best } = await search('--strategy', 'radin', '--racing', 'off');
    expect(curve?.[0]?.evaluations).toBe(1);
    expect(curve?.at(-1)).toMatchObject({ models: best.models, valScore: best.valScore });
  });

  it('refuses a statistical race with the adaptive strategy, before it evaluates', async () => {
    expect(await refusal(['search', pool.folder, '--racing', 'statistical'])).toBe(
      'radin: error: Expected --strategy radin with --racing statistical but found adaptive\n',
    );
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
