import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mannWhitney, spearman } from '../../src/statistics/index.js';

interface Reference {
  readonly spearman: readonly { x: number[]; y: number[]; rho: number; pValue: number }[];
  readonly mannWhitney: readonly { x: number[]; y: number[]; u: number; asymptotic: number; exact?: number }[];
}

const PYTHON = '/usr/bin/python3';
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const hasScipy = spawnSync(PYTHON, ['-c', 'import scipy.stats']).status === 0;
if (!hasScipy) process.stderr.write('scipy is not installed: its committed values are compared with, and no others\n');

/** Relative to the p-value itself, however small; below 1e-300 doubles lose digits, in scipy too. */
function expectClose(found: number, expected: number, what: string): void {
  expect(Math.abs(found - expected), `${what}: ${found} for ${expected}`).toBeLessThanOrEqual(
    1e-10 * expected + 1e-300,
  );
}

function expectAll(reference: Reference): void {
  for (const { x, y, rho, pValue } of reference.spearman) {
    const found = spearman(x, y);
    const what = `${x.length} pairs, ρ = ${rho}`;
    expect(Math.abs(found.rho - rho), what).toBeLessThanOrEqual(1e-12);
    expectClose(found.pValue, pValue, what);
  }
  for (const { x, y, u, asymptotic, exact } of reference.mannWhitney) {
    const what = `${x.length} and ${y.length} numbers, U = ${u}`;
    const found = mannWhitney(x, y, 'asymptotic');
    expect(found.u, what).toBe(u);
    expectClose(found.pValue, asymptotic, what);
    if (exact !== undefined) expectClose(mannWhitney(x, y, 'exact').pValue, exact, `exact, ${what}`);
  }
}

test('Spearman’s p-value and both p-values of the U test are what scipy computes, to 1e-10, down to 1e-250', () => {
  const reference = JSON.parse(readFileSync(here('fixtures/ranks.json'), 'utf8')) as Reference;
  expect(Math.min(...reference.spearman.map(({ pValue }) => pValue).filter((p) => p > 0))).toBeLessThan(1e-180);
  expect(Math.min(...reference.mannWhitney.map(({ asymptotic }) => asymptotic))).toBeLessThan(1e-250);
  expectAll(reference);
});

test.skipIf(!hasScipy)('and on numbers that were not chosen beforehand', () => {
  const list = (length: number) => fc.array(fc.integer({ min: 0, max: 30 }), { minLength: length, maxLength: length });
  const isVaried = (values: number[]) => new Set(values).size > 1;
  const pair = fc
    .integer({ min: 3, max: 40 })
    .chain((n) => fc.tuple(list(n).filter(isVaried), list(n).filter(isVaried)));
  const group = fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 2, max: 12 }))
    .chain(([n, m]) => fc.tuple(list(n), list(m).filter(isVaried)));
  const input = JSON.stringify({ pairs: fc.sample(pair, 40), groups: fc.sample(group, 40) });
  const { stdout, status } = spawnSync(PYTHON, [here('fixtures/write_ranks.py')], { input });
  expect(status).toBe(0);
  expectAll(JSON.parse(stdout.toString()) as Reference);
});

const numbers = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 4, maxLength: 12 });

describe('Spearman’s ρ', () => {
  test('is the correlation of ranks that equal values share, and does not move under increasing functions', () => {
    // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5 · 5).
    expect(spearman([0, 5, 5, 9], [1, 2, 3, 4]).rho).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
    const [a, b] = [
      [3, 1, 4, 1, 5],
      [2, 7, 1, 8, 2],
    ] as const;
    expect(spearman(a.map(Math.exp), b)).toEqual(spearman(a, b));
    expect(spearman(b, a)).toEqual(spearman(a, b));
  });

  test('is ±1 for lists in one order, where nothing is left to doubt, and NaN where one does not vary', () => {
    expect(spearman([1, 2, 3, 9], [0, 5, 6, 7])).toEqual({ rho: 1, pValue: 0, interval: { lower: 1, upper: 1 } });
    expect(spearman([1, 2, 3, 9], [4, 3, 2, 1]).rho).toBe(-1);
    expect(spearman([1, 1, 1], [1, 2, 3]).rho).toBeNaN();
  });

  test('lies in its interval, which is wider at higher confidence', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const other = values.map((value, index) => value * ((index % 3) - 1));
        const { rho, interval } = spearman(values, other);
        fc.pre(!Number.isNaN(rho));
        const wider = spearman(values, other, 0.99).interval;
        expect(wider.lower <= interval.lower && interval.lower <= rho && rho <= interval.upper).toBe(true);
        expect(interval.upper <= wider.upper && wider.upper <= 1 && wider.lower >= -1).toBe(true);
      }),
    );
  });

  test('has an interval that contains the truth as often as it says', () => {
    // Normal pairs of correlation r have Spearman’s ρ = 6/π asin(r / 2) in the population.
    const [r, n, draws] = [0.7, 60, 2000];
    let state = 1;
    const uniform = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const truth = (6 / Math.PI) * Math.asin(r / 2);
    let covered = 0;
    for (let draw = 0; draw < draws; draw++) {
      const x = Array.from({ length: n }, normal);
      const y = x.map((value) => r * value + Math.sqrt(1 - r * r) * normal());
      const { lower, upper } = spearman(x, y).interval;
      if (lower <= truth && truth <= upper) covered++;
    }
    expect(Math.abs(covered / draws - 0.95)).toBeLessThan(0.02);
  });
});

describe('the U test', () => {
  test('counts pairs, ties half, and does not care which list comes first', () => {
    fc.assert(
      fc.property(numbers, numbers, (x, y) => {
        const { u, superiority, pValue } = mannWhitney(x, y);
        const pairs = x.flatMap((a) => y.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
        expect(u).toBe(pairs.reduce((sum: number, one) => sum + one, 0));
        expect(superiority).toBe(u / pairs.length);
        const turned = mannWhitney(y, x);
        expect(turned.u).toBe(pairs.length - u);
        expect(turned.pValue).toEqual(pValue);
      }),
    );
  });

  test('is exact by the share of all orders that are at least as uneven', () => {
    // 2 and 3 numbers: U = 0 or 6 in 2 of 10 orders, at most 1 or at least 5 in 4.
    expect(mannWhitney([1, 2], [3, 4, 5])).toEqual({ u: 0, superiority: 0, pValue: 0.2, method: 'exact' });
    expect(mannWhitney([1, 3], [2, 4, 5]).pValue).toBeCloseTo(0.4, 12);
  });

  test('takes what it cannot do exactly by the normal distribution, or refuses it', () => {
    expect(mannWhitney([1, 1], [1, 2]).method).toBe('asymptotic');
    expect(() => mannWhitney([1, 1], [1, 2], 'exact')).toThrow('different numbers');
    expect(() => mannWhitney([], [1])).toThrow('empty');
    expect(mannWhitney([1, 1], [1]).pValue).toBeNaN();
  });
});
