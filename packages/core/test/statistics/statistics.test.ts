import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mcnemar, pairedDifference, wilsonInterval } from '../../src/statistics/index.js';

interface Reference {
  readonly mcnemar: readonly { counts: [number, number]; pValue: number; midPValue: number }[];
  readonly wilson: readonly { counts: [number, number]; confidence: number; interval: [number, number] }[];
  readonly paired: readonly { counts: [number, number, number]; confidence: number; interval: [number, number] }[];
}

const PYTHON = '/usr/bin/python3';
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const hasScipy = spawnSync(PYTHON, ['-c', 'import scipy.stats']).status === 0;
if (!hasScipy) process.stderr.write('scipy is not installed: its committed values are compared with, and no others\n');

const fixtures = JSON.parse(readFileSync(here('fixtures/scipy.json'), 'utf8')) as Reference;

/** Below 2^-1022 doubles lie 2^-1074 apart, so each of up to 3,000 terms may be off by that: not by more than this together. */
const TINY = 2 ** -1060;

/** p-values relative to themselves, down to the smallest doubles; ends of intervals relative to 1. */
function expectAll({ mcnemar: tests, wilson, paired }: Reference): void {
  for (const { counts, pValue, midPValue } of tests) {
    const ours = mcnemar(...counts);
    expect(Math.abs(ours.pValue - pValue), `p of ${counts}`).toBeLessThanOrEqual(1e-10 * pValue + TINY);
    expect(Math.abs(ours.midPValue - midPValue), `mid-p of ${counts}`).toBeLessThanOrEqual(1e-10 * midPValue + TINY);
  }
  const ends = (name: string, { lower, upper }: { lower: number; upper: number }, expected: readonly number[]) => {
    expect(Math.abs(lower - (expected[0] as number)), name).toBeLessThanOrEqual(1e-10);
    expect(Math.abs(upper - (expected[1] as number)), name).toBeLessThanOrEqual(1e-10);
  };
  for (const { counts, confidence, interval } of wilson) {
    ends(`Wilson ${counts} ${confidence}`, wilsonInterval(...counts, confidence), interval);
  }
  for (const { counts, confidence, interval } of paired) {
    ends(`difference ${counts} ${confidence}`, pairedDifference(...counts, confidence), interval);
  }
}

test('McNemar, Wilson and the paired difference are what integers and scipy give, to 1e-10', () => {
  expectAll(fixtures);
});

test.skipIf(!hasScipy)('and on counts that were not chosen by hand', () => {
  const draws = (size: number) => {
    const counts = fc.tuple(...Array.from({ length: size }, () => fc.integer({ min: 0, max: 3000 })));
    return fc.sample(counts, { numRuns: 40, seed: size }) as number[][];
  };
  const cases = {
    // With one that scipy takes for 0, and p-values below all normal doubles.
    counts: [...draws(2), [35, 1179], [0, 1060], [64, 1350]],
    trials: draws(2).map(([a, b]) => [a, (a as number) + (b as number) + 1]),
    pairs: draws(3).map(([a, b, c]) => [a, b, (a as number) + (b as number) + (c as number) + 1]),
    confidences: [0.9, 0.99],
  };
  const { stdout, status } = spawnSync(PYTHON, [here('fixtures/write_fixtures.py')], { input: JSON.stringify(cases) });
  expect(status).toBe(0);
  expectAll(JSON.parse(stdout.toString()) as Reference);
});

describe('the exact test of McNemar', () => {
  test('does not care which predictor comes first', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (a, b) => {
        expect(mcnemar(a, b)).toEqual({ ...mcnemar(b, a), onlyFirst: a, onlySecond: b });
      }),
    );
  });

  test('gives less than the level at most as often as the level says, where the coin is fair', () => {
    for (const n of [1, 5, 17, 60]) {
      // All 2^n outcomes by their number of heads, with Pascal's triangle.
      let masses = [1];
      for (let row = 0; row < n; row++) masses = [...masses, 0].map((mass, at) => (mass + (masses[at - 1] ?? 0)) / 2);
      for (const level of [0.01, 0.05, 0.2]) {
        const rejected = masses.reduce((sum, mass, k) => sum + (mcnemar(k, n - k).pValue <= level ? mass : 0), 0);
        expect(rejected).toBeLessThanOrEqual(level);
      }
    }
  });
});

describe('the interval of Wilson', () => {
  test('lies in [0, 1] and contains the observed fraction', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(2000), fc.double({ min: 0.1, max: 0.9999, noNaN: true }), (a, b, confidence) => {
        const { lower, upper } = wilsonInterval(a, a + b + 1, confidence);
        expect(0 <= lower && lower <= a / (a + b + 1) && a / (a + b + 1) <= upper && upper <= 1).toBe(true);
      }),
    );
  });
});
