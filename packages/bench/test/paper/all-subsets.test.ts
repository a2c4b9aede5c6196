import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import { readSubsetCounts, type SubsetCounts, UNKNOWN, writeSubsetCounts } from '../../src/paper/all-subsets-file.js';
import { runPaper } from '../../src/paper/run-paper.js';
import { readOwnSplits } from '../../src/soups/pool-folder.js';
import { poolFolder } from '../soups/pools.js';
import { paperOf } from './run.js';

const folder = temporaryFolder();

const COUNTS: SubsetCounts = {
  owner: { content: '0123456789abcdef', models: 2, samples: { validation: 9, test: 70_000 } },
  validation: Uint32Array.of(UNKNOWN, 3, 9, 0),
  test: Uint32Array.of(UNKNOWN, 70_000, 5, UNKNOWN),
};

it('counts are read as they were written', async () => {
  const file = join(folder, 'counts.gz');
  await writeSubsetCounts(file, COUNTS);
  expect(readSubsetCounts(file, COUNTS.owner)).toEqual(COUNTS);
});

it('counts of other weights, of other samples, cut off, too high or not ours are none', async () => {
  const file = join(folder, 'other.gz');
  await writeSubsetCounts(file, COUNTS);
  expect(readSubsetCounts(file, { ...COUNTS.owner, content: 'fedcba9876543210' })).toBeUndefined();
  expect(readSubsetCounts(file, { ...COUNTS.owner, samples: { validation: 9, test: 60_000 } })).toBeUndefined();
  expect(readSubsetCounts(join(folder, 'nowhere.gz'), COUNTS.owner)).toBeUndefined();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, bytes.length - 9));
  expect(readSubsetCounts(file, COUNTS.owner)).toBeUndefined();
  await writeSubsetCounts(file, { ...COUNTS, validation: Uint32Array.of(UNKNOWN, 10, 0, 0) });
  expect(readSubsetCounts(file, COUNTS.owner)).toBeUndefined();
});

it('brute force that is interrupted goes on where it was', async () => {
  const { folder: path } = await poolFolder(folder, { models: 7, samples: 40, hidden: 4, noise: 1, seed: 4 });
  const cache = mkdtempSync(join(folder, 'cache-'));
  const choices = { budgets: [1], seeds: 1, candidates: 5, includeUniform: false, bruteForce: true, cache, threads: 1 };
  const stop = new AbortController();
  const onProgress = (text: string) => {
    if (text.startsWith('all subsets')) stop.abort(new Error('enough'));
  };
  const pool = { name: 'tiny', ...readOwnSplits(path) };
  await expect(runPaper(pool, choices, { onProgress, signal: stop.signal })).rejects.toThrow('enough');
  const [kept] = readdirSync(cache);
  expect(readdirSync(join(cache, kept as string))).toContain('all-subsets.gz');
  const { allSubsets, cost } = await paperOf(path, choices);
  expect(allSubsets?.count).toBe(127);
  // The first 32 are known, and what the searches have evaluated is too.
  expect(cost.evaluated).toBeGreaterThan(0);
  expect(cost.evaluated).toBeLessThanOrEqual(127 - 32 - 7 + 2);
});

it('a pool of 17 models is refused', async () => {
  const { folder: path } = await poolFolder(folder, { models: 17, samples: 8, noise: 1 });
  const cache = mkdtempSync(join(folder, 'cache-'));
  const run = paperOf(path, { cache, candidates: 2, seeds: 1, budgets: [1], bruteForce: true });
  await expect(run).rejects.toThrow('at most 16 models for --brute-force but found 17');
});
