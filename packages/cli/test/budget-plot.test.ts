import { accuracy, type SearchReport } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { budgetPlot, plotOptions } from '../src/terminal/budget-plot.js';

const point = (evaluations: number, valScore: number) => ({ evaluations, valScore, models: ['a'], weights: [1] });
const report = (...points: ReturnType<typeof point>[]) =>
  ({ curve: points, evaluations: 25 }) as unknown as SearchReport;
const risen = report(point(0, 0.9), point(2, 0.94), point(9, 0.95), point(21, 0.962));

describe('the curve in a terminal', () => {
  it('has eight lines from the first to the last score, no wider than the terminal', () => {
    for (const columns of [44, 80, 300]) {
      for (const unicode of [true, false]) {
        const lines = budgetPlot(risen, accuracy, { columns, unicode });
        expect(lines).toHaveLength(8);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.min(columns, 72));
        expect(lines[1]).toMatch(/^96\.20 % /);
        expect(lines[6]).toMatch(/^90\.00 % /);
        expect(/^[\x20-\x7e]*$/.test(lines.join(''))).toBe(!unicode);
      }
    }
  });

  it('is as high at each evaluation as the choice was then', () => {
    const lines = budgetPlot(risen, accuracy, { columns: 60, unicode: false });
    const first = (lines[1] as string).indexOf('|') + 2;
    const width = 60 - first;
    const column = (evaluation: number) => first + Math.round((evaluation * (width - 1)) / 25);
    const rowAt = (evaluation: number) =>
      lines.slice(1, 7).findIndex((line) => '-.'.includes(line[column(evaluation)] || ' '));
    expect([1, 5, 15, 25].map(rowAt)).toEqual([5, 2, 1, 0]);
  });

  it('is not drawn where there is nothing to tell, or no room', () => {
    const options = { columns: 80, unicode: true };
    expect(budgetPlot(report(), accuracy, options)).toEqual([]);
    expect(budgetPlot(report(point(0, 0.9), point(3, 0.95)), accuracy, options)).toEqual([]);
    expect(budgetPlot(risen, accuracy, { columns: 30, unicode: true })).toEqual([]);
  });

  it('is for terminals, in UTF-8 where the locale says so', () => {
    expect(plotOptions({ isTTY: false, columns: 80 }, { LANG: 'en_GB.UTF-8' })).toBeUndefined();
    expect(plotOptions({ isTTY: true, columns: 80 }, { TERM: 'dumb' })).toBeUndefined();
    expect(plotOptions({ isTTY: true, columns: 80 }, { LANG: 'en_GB.UTF-8' })).toEqual({ columns: 80, unicode: true });
    expect(plotOptions({ isTTY: true, columns: 80 }, { LANG: 'en_GB.UTF-8', LC_ALL: 'C' })).toMatchObject({
      unicode: false,
    });
  });
});
