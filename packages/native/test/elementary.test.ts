import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expNonpositive, exponentOf, logAtLeastOne, powerOfTwo } from '../lib/elementary.js';

/**
 * exp and log in integers that count units of 2^−SCALE, independent of the code under test: exp(x) as the Taylor series of
 * x / 1024, squared ten times; log by Newton's method on exp.
 */
const SCALE = 1300n; // the smallest result, exp(−708), has 1021 zero bits before its first digit
const ONE = 1n << SCALE;

function toFixed(x: number): bigint {
  let fraction = x;
  let shift = 0n;
  while (!Number.isInteger(fraction)) {
    fraction *= 2;
    shift++;
  }
  return (BigInt(fraction) << SCALE) >> shift;
}

function exactExp(x: bigint): bigint {
  let term = ONE;
  let sum = ONE;
  const reduced = x >> 10n;
  for (let i = 1n; term !== 0n && term !== -1n; i++) {
    term = (term * reduced) / (i << SCALE);
    sum += term;
  }
  for (let i = 0; i < 10; i++) sum = (sum * sum) >> SCALE;
  return sum;
}

function exactLog(y: number): bigint {
  let guess = toFixed(Math.log(y));
  for (let i = 0; i < 5; i++) guess += (toFixed(y) << SCALE) / exactExp(guess) - ONE;
  return guess;
}

/** The distance of a result from the truth in units of the result's last place. */
function errorInUlp(result: number, truth: bigint): number {
  const ulp = toFixed(powerOfTwo(exponentOf(result)) * 2 ** -52);
  const distance = toFixed(result) - truth;
  return Number(((distance < 0n ? -distance : distance) * 1000n) / ulp) / 1000;
}

describe('exp', () => {
  it('stays within 2 ulp of the truth', () => {
    const exponent = fc.double({ min: -707.9, max: -(2 ** -60), noNaN: true });
    const small = fc.double({ min: -2, max: -(2 ** -30), noNaN: true });
    const property = (x: number) => {
      expect(errorInUlp(expNonpositive(x), exactExp(toFixed(x)))).toBeLessThan(2);
    };
    fc.assert(fc.property(exponent, property), { numRuns: 150 });
    fc.assert(fc.property(small, property), { numRuns: 150 });
  });

  it('is exact at 0, falls with its argument, and is 0 from where results would be subnormal', () => {
    expect(expNonpositive(0)).toBe(1);
    expect(expNonpositive(-0)).toBe(1);
    expect(expNonpositive(-708)).toBeGreaterThan(2.2250738585072014e-308);
    for (const x of [-708.0000001, -745, -1e300, -Infinity]) expect(expNonpositive(x)).toBe(0);
  });

  it('agrees with Math.exp to 2 ulp on a dense grid', () => {
    for (let i = 0; i < 100_000; i++) {
      const x = -700 * (i / 100_000) ** 3;
      const difference = Math.abs(expNonpositive(x) - Math.exp(x)) / Math.exp(x);
      if (!(difference <= 2 ** -51)) expect.fail(`exp(${x}) differs by ${difference}`);
    }
  });
});

describe('log', () => {
  it('stays within 2 ulp of the truth', () => {
    const property = (y: number) => {
      expect(errorInUlp(logAtLeastOne(y), exactLog(y))).toBeLessThan(2);
    };
    fc.assert(fc.property(fc.double({ min: 1 + 2 ** -52, max: 2, noNaN: true }), property), { numRuns: 100 });
    fc.assert(fc.property(fc.double({ min: 2, max: 1e6, noNaN: true }), property), { numRuns: 50 });
  });

  it('is 0 at 1 and rounds f − f² / 2 correctly just above it', () => {
    expect(logAtLeastOne(1)).toBe(0);
    expect(logAtLeastOne(1 + 2 ** -52)).toBe(2 ** -52 - 2 ** -105);
  });

  it('agrees with Math.log to 2 ulp on a dense grid, also at the ends of its range', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => 1 + 1e5 * (i / 100_000) ** 4);
    for (const y of [...values, Number.MAX_VALUE, 2 ** 1023, 2 ** 53]) {
      const difference = Math.abs(logAtLeastOne(y) - Math.log(y));
      if (!(difference <= Math.log(y) * 2 ** -51)) expect.fail(`log(${y}) differs by ${difference}`);
    }
  });
});
