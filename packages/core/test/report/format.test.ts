import { describe, expect, test } from 'vitest';
import { accuracy, crossEntropy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { alignColumns, describeCandidate, describeMixture, formatGain, formatScore } from '../../src/report/index.js';

describe('a score', () => {
  test('that is a fraction is shown in per cent, another with its unit', () => {
    expect(formatScore(0.98615, accuracy)).toBe('98.61 %');
    expect(formatScore(1, accuracy)).toBe('100.00 %');
    expect(formatScore(-0.25, crossEntropy)).toBe('−0.2500 nats');
    expect(formatScore(-6.78e6, { unit: 'm²' })).toBe('−6.780e+6 m²');
    expect(formatScore(-0.012345, { unit: '' })).toBe('−0.01235');
    expect(formatScore(0, { unit: '' })).toBe('0.0000');
  });

  test('that is a difference has its sign', () => {
    expect(formatGain(0.0125, accuracy)).toBe('+1.25 points');
    expect(formatGain(-0.0125, accuracy)).toBe('−1.25 points');
    expect(formatGain(0, accuracy)).toBe('+0.00 points');
    expect(formatGain(-0.5, crossEntropy)).toBe('−0.5000 nats');
    expect(formatGain(1.5, { unit: '' })).toBe('+1.5000');
  });
});

describe('columns', () => {
  test('are as wide as their widest text, the first to the left and the others to the right', () => {
    const lines = alignColumns([
      ['', 'B = 1', ''],
      ['RADIN, λ = 0', '98.51', '7'],
      ['oracle', '9.5', '1000'],
    ]);
    expect(lines).toEqual(['              B = 1', 'RADIN, λ = 0  98.51     7', 'oracle          9.5  1000']);
  });

  test('may be fewer in some rows', () => {
    expect(alignColumns([['a'], ['bb', 'c']])).toEqual(['a', 'bb  c']);
    expect(alignColumns([])).toEqual([]);
  });
});

describe('a candidate', () => {
  const mixture = Mixture.of([0.25, 0, 0.75]);

  test('is described by the ids of its ingredients and their weights', () => {
    expect(describeMixture(mixture, ['a', 'b', 'c'])).toEqual({ models: ['a', 'c'], weights: [0.25, 0.75] });
  });

  test('has a validation score only where it was evaluated', () => {
    const candidate = { mixture, approxScore: 0.5, rank: 3 };
    const described = { models: ['a', 'c'], weights: [0.25, 0.75], approxScore: 0.5, rank: 3 };
    expect(describeCandidate(candidate, ['a', 'b', 'c'])).toStrictEqual(described);
    expect(describeCandidate({ ...candidate, score: 0.75 }, ['a', 'b', 'c'])).toStrictEqual({
      ...described,
      valScore: 0.75,
    });
  });
});
