import type { SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LinearPool, linearPool } from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

let pool: LinearPool;
beforeAll(async () => {
  pool = await linearPool();
});

function search(folder: string, ...options: string[]): Promise<SearchReport> {
  return radinJson<SearchReport>(
    ['search', folder, '--strategy', 'radin', '--no-report', '--out', 'out', ...options],
    newFolder(),
  );
}

const models = ({ candidates }: SearchReport) => candidates.map((candidate) => candidate.models.join(''));

describe.concurrent('the candidates of four models', () => {
  it('are all 15 subsets with the exhaustive sampler', async () => {
    const report = await search(pool.folder, '--sampler', 'exhaustive', '--budget', '1');
    expect(models(report).sort()).toEqual(
      ['a', 'b', 'c', 'd', 'ab', 'ac', 'ad', 'bc', 'bd', 'cd', 'abc', 'abd', 'acd', 'bcd', 'abcd'].sort(),
    );
    expect(report.evaluations).toBe(1);
  });

  it('are the subsets of two and three models and the uniform soup with the default sampler', async () => {
    const report = await search(pool.folder);
    expect(models(report).sort()).toEqual(
      ['ab', 'ac', 'ad', 'bc', 'bd', 'cd', 'abc', 'abd', 'acd', 'bcd', 'abcd'].sort(),
    );
  });

  it.each(['monte-carlo', 'exhaustive'])('lack the uniform soup with --no-include-uniform: %s', async (sampler) => {
    const report = await search(pool.folder, '--sampler', sampler, '--no-include-uniform');
    expect(models(report)).not.toContain('abcd');
    expect(report.candidates).toHaveLength(sampler === 'exhaustive' ? 14 : 10);
  });

  it('of several samplers are one list, with all single models and weighted mixtures', async () => {
    const report = await search(pool.folder, '--sampler', 'forward,convex, branch-and-bound');
    expect(report.sampler).toBe('forward,convex,branch-and-bound');
    expect(models(report)).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd', 'abcd']));
    expect(report.candidates.some(({ weights }) => new Set(weights).size > 1)).toBe(true);
    expect(report.notices).toEqual([
      expect.stringMatching(/^convex: cross-entropy/),
      expect.stringMatching(/^branch-and-bound: .*proven that none is better$/),
    ]);
  });

  it('of all subsets and others are all subsets, and the others’ weighted mixtures', async () => {
    const report = await search(pool.folder, '--sampler', 'exhaustive,convex');
    const uniform = report.candidates.filter(({ weights }) => new Set(weights).size === 1);
    expect(uniform).toHaveLength(15);
    expect(report.candidates.length).toBeGreaterThan(15);
    expect(report.scored).toBe(report.candidates.length);
    expect(report.candidates.map(({ rank }) => rank)).toEqual(report.candidates.map((_, index) => index + 1));
  });

  it('are as many as asked for, and the uniform soup, where there are more', async () => {
    const report = await search(pool.folder, '--candidates', '3');
    expect(report.candidates).toHaveLength(4);
    expect(report.notices).toEqual([]);
  });

  it('are all evaluated by a budget that is larger than their number', async () => {
    const report = await search(
      pool.folder,
      '--strategy',
      'radin',
      '--candidates',
      '3',
      '--budget',
      '1000000',
      '--racing',
      'off',
    );
    expect(report).toMatchObject({ budget: 1_000_000, evaluations: 4 });
    for (const { valScore } of report.candidates) expect(valScore).toBeGreaterThan(0);
  });
});

describe.concurrent('a search of more than 1,000 candidates', () => {
  it('lists the first 1,000 and says how many were scored', async () => {
    const { folder } = await linearPool({ models: 11 });
    const report = await search(folder, '--sampler', 'exhaustive', '--budget', '2');
    expect(report).toMatchObject({ scored: 2047, evaluations: 2 });
    expect(report.candidates.map(({ rank }) => rank)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
  });

  it('lists all that were evaluated', async () => {
    const { folder } = await linearPool({ models: 11 });
    const report = await search(
      folder,
      '--strategy',
      'radin',
      '--candidates',
      '1500',
      '--budget',
      '1003',
      '--racing',
      'off',
    );
    expect(report).toMatchObject({ scored: 1501, evaluations: 1003 });
    expect(report.candidates.filter(({ valScore }) => valScore !== undefined)).toHaveLength(1003);
  });
});

describe.concurrent('the prior', () => {
  it('λ = 1 makes the uniform soup the choice of one evaluation', async () => {
    const report = await search(pool.folder, '--lambda', '1', '--budget', '1');
    expect(report).toMatchObject({ method: 'radin-prior', lambda: 1, evaluations: 1 });
    expect(report.best.models).toEqual(['a', 'b', 'c', 'd']);
    expect(report.best.weights).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  it('orders larger subsets first and has no say in the choice among evaluated ones', async () => {
    const all = ['--sampler', 'exhaustive', '--budget', '15', '--racing', 'off'];
    const report = await search(pool.folder, '--lambda', '1', ...all);
    const sizes = report.candidates.map((candidate) => candidate.models.length);
    expect(sizes).toEqual([4, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1]);
    const without = await search(pool.folder, '--lambda', '0', ...all);
    expect(report.best.models).toEqual(without.best.models);
    expect(report.best.valScore).toBe(Math.max(...report.candidates.map(({ valScore }) => valScore as number)));
  });
});

describe.concurrent('a pool of few models', () => {
  it.each([
    [1, ['a'], 0],
    [2, ['ab'], 0],
    [3, ['ab', 'abc', 'ac', 'bc'], 3],
  ])('of %i has a notice that there are fewer subsets than asked for', async (count, expected, subsets) => {
    const { folder } = await linearPool({ models: count });
    const { code, stdout, stderr } = await runRadin(
      ['search', folder, '--strategy', 'radin', '--out', 'out', '--json'],
      folder,
    );
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as SearchReport;
    expect(models(report).sort()).toEqual(expected);
    expect(stderr).toMatch(new RegExp(`^radin: note: .*200 .*a pool of ${count} has ${subsets} subsets.*\n$`));
    expect(report.notices).toHaveLength(1);
  });

  it('of one gives that model as its soup, bit for bit', async () => {
    const { folder } = await linearPool({ models: 1 });
    await radinJson(['search', folder, '--no-report', '--out', 'out'], folder);
    const tensors = async (path: string) => {
      const inspected = await radinJson<{ tensors: { name: string }[] }>(['inspect', path], folder);
      return inspected.tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    };
    const soup = await tensors('out/soup.safetensors');
    expect(soup).toHaveLength(2);
    expect(soup).toEqual(await tensors('models/a.safetensors'));
  });
});
