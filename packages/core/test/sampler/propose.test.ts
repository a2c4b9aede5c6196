import { describe, expect, test } from 'vitest';
import { exhaustive, monteCarlo, type ProposalOptions, proposeCandidates } from '../../src/sampler/index.js';
import { refused } from '../pools.js';

const options: ProposalOptions = { sampler: monteCarlo, candidates: 20, seed: 1, includeUniform: true };
const isWhole = (size: number) => (mixture: { size: number }) => mixture.size === size;

describe.each([monteCarlo, exhaustive])('candidates of the sampler $name', (sampler) => {
  test.each([2, 3, 6, 9])('of %d models have the uniform soup exactly once where it is asked for', (size) => {
    const { mixtures } = proposeCandidates(size, { ...options, sampler });
    expect(mixtures.filter(isWhole(size))).toHaveLength(1);
    expect(new Set(mixtures.map(({ key }) => key)).size).toBe(mixtures.length);
  });

  test.each([3, 6, 9])('of %d models have it not where it is left out, and are else the same', (size) => {
    const { mixtures } = proposeCandidates(size, { ...options, sampler, includeUniform: false });
    expect(mixtures.filter(isWhole(size))).toHaveLength(0);
    const included = proposeCandidates(size, { ...options, sampler }).mixtures.filter(({ size: n }) => n < size);
    expect(mixtures).toEqual(included);
  });

  test('are the same for the same seed', () => {
    const keys = (seed: number) => proposeCandidates(9, { ...options, sampler, seed }).mixtures.map(({ key }) => key);
    expect(keys(3)).toEqual(keys(3));
    if (sampler === monteCarlo) expect(keys(3)).not.toEqual(keys(4));
  });

  test('of one model are that model', () => {
    const { mixtures } = proposeCandidates(1, { ...options, sampler });
    expect(mixtures.map(({ weights }) => [...weights])).toEqual([[1]]);
  });
});

test('the uniform soup comes in addition to the number asked for', () => {
  expect(proposeCandidates(9, options).mixtures).toHaveLength(21);
  expect(proposeCandidates(9, { ...options, includeUniform: false }).mixtures).toHaveLength(20);
});

test('a notice says that fewer subsets exist than were asked for, and nothing where enough do', () => {
  expect(proposeCandidates(4, options).notices).toEqual([
    expect.stringMatching(/^20 .* pool of 4 has 10 subsets .* all are taken$/),
  ]);
  expect(proposeCandidates(4, { ...options, candidates: 10 }).notices).toEqual([]);
  expect(proposeCandidates(9, options).notices).toEqual([]);
  expect(proposeCandidates(4, { ...options, sampler: exhaustive }).notices).toEqual([]);
});

test('no candidate at all is an error that says why', () => {
  for (const size of [1, 2]) {
    expect(() => proposeCandidates(size, { ...options, includeUniform: false })).toThrow(
      refused(
        'CONFIG',
        new RegExp(`pool of ${size} has no subset of 2 to N − 1 models, and the uniform soup is left out`),
      ),
    );
  }
});
