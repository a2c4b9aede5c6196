import { copyFileSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ContentCache } from '../../src/cache/index.js';
import { accuracy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import {
  leastMemory,
  logitsBytes,
  type PoolFiles,
  Problem,
  type ProblemOptions,
  predictRun,
  type RunSizes,
  shareMemory,
  timePass,
} from '../../src/problem/index.js';
import { adaptive, radin } from '../../src/recipes/index.js';
import { monteCarlo } from '../../src/sampler/index.js';
import { raceTop } from '../../src/stage2/index.js';
import { refused, temporaryFolder, tinyPool } from '../pools.js';

const MiB = 2 ** 20;
const folder = temporaryFolder();
const tiny = tinyPool(folder, { models: 5, samples: 300, hidden: 6, noise: 1.2 });
const options: ProblemOptions = { metric: accuracy, backend: 'auto', threads: 2 };

async function open(files: PoolFiles, changes: Partial<ProblemOptions> = {}): Promise<Problem> {
  const problem = await Problem.open(files, { ...options, ...changes });
  onTestFinished(() => problem.dispose());
  return problem;
}

/** The pool with a sixth model that is a copy of the third. */
async function withCopy(): Promise<PoolFiles> {
  const { files, folder: own } = await tiny;
  const copy = join(own, 'copy.safetensors');
  copyFileSync(files.models[2] as string, copy);
  return { ...files, models: [...files.models, copy] };
}

describe('the least memory that a run can keep to', () => {
  test('gives the same results to the bit, from logits in a file that leaves nothing behind', async () => {
    const files = await withCopy();
    const free = await open(files);
    const cache = await ContentCache.open(mkdtempSync(join(folder, 'cache-')));
    const maxMemory = leastMemory(free.memory.sizes);
    const tight = await open(files, { cache, maxMemory });
    expect(tight.memory.shares).toMatchObject({ atOnce: 1, logits: 0 });
    const { logits } = await tight.validation.cache();
    expect(logits.map(({ source }) => source instanceof Uint8Array)).toEqual(Array(6).fill(false));
    expect(await tight.duplicateNotices()).toEqual(await free.duplicateNotices());
    expect(await tight.duplicateNotices()).toHaveLength(1);
    const found = await Promise.all(
      [free, tight].map(async (problem) => {
        const { validation } = problem;
        const geometry = (await problem.geometry()).whole;
        const search = { samplers: [monteCarlo], candidates: 20, seed: 0, includeUniform: true, budget: 6, lambda: 0 };
        return [
          await adaptive(validation, { budget: 4, candidates: 20, geometry }),
          await radin(validation, {
            ...search,
            evaluate: (ranked, most, run) => raceTop(validation, ranked, most, { mode: 'exact' }, run),
          }),
          await (await problem.openTest())?.scores([Mixture.uniform(6, [0, 3])]),
        ];
      }),
    );
    expect(found[1]).toEqual(found[0]);
    const left = readdirSync(cache.folder, { recursive: true }).filter((name) => String(name).endsWith('.tmp'));
    expect(left).toEqual([]);
  });

  test('is named where there is less', async () => {
    const { files } = await tiny;
    await expect(open(files, { maxMemory: 10 * MiB })).rejects.toThrow(
      refused('CONFIG', /^Expected --max-memory of at least \d+MiB, .* found 10MiB$/),
    );
  });

  test('logits that earlier runs have kept are read one model at a time and go to the file too', async () => {
    const { files } = await tiny;
    const cache = await ContentCache.open(mkdtempSync(join(folder, 'cache-')));
    const first = await open(files, { cache });
    expect(await first.rememberedModels()).toBe(0);
    await first.validation.cache();
    const tight = await open(files, { cache, maxMemory: leastMemory(first.memory.sizes) });
    expect(await tight.rememberedModels()).toBe(5);
    expect([...(await tight.validation.individualScores())]).toEqual([...(await first.validation.individualScores())]);
    expect(tight.validation.reused.models).toBe(5);
  });
});

describe('of any sizes', () => {
  const sizes = fc.record({
    models: fc.integer({ min: 1, max: 100 }),
    weightBytes: fc.integer({ min: 1, max: 2 ** 32 }),
    graphBytes: fc.integer({ min: 1, max: 2 ** 30 }),
    splits: fc.array(
      fc.record({
        rows: fc.integer({ min: 1, max: 100_000 }),
        ofAllModels: fc.boolean(),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    classes: fc.integer({ min: 2, max: 2000 }),
    threads: fc.integer({ min: 1, max: 64 }),
    mixtures: fc.integer({ min: 0, max: 1_000_000 }),
    racing: fc.nat(100),
  });

  test('a run within a limit is predicted to stay within it, and with more memory to use no less', () => {
    fc.assert(
      fc.property(sizes, fc.nat(2 ** 36), (run: RunSizes, more) => {
        const limit = leastMemory(run) + more;
        const shares = shareMemory(limit, run);
        expect(predictRun(run, shares, true).peakMemory).toBeLessThanOrEqual(limit + 1);
        expect(shares.atOnce).toBeGreaterThanOrEqual(shareMemory(leastMemory(run), run).atOnce);
        const inFile = logitsBytes(run) > shares.logits ? logitsBytes(run) : 0;
        expect(predictRun(run, shares, true).disk - predictRun(run, undefined, true).disk).toBe(inFile);
      }),
    );
  });

  test('a pool of 72 models of 350 MB fits into 2 GiB', () => {
    const split = { rows: 10_000 };
    const run: RunSizes = {
      models: 72,
      weightBytes: 350e6,
      graphBytes: 350e6,
      splits: [
        { ...split, ofAllModels: true },
        { ...split, ofAllModels: false },
      ],
      classes: 1000,
      threads: 8,
      mixtures: 20_200,
      racing: 0,
    };
    expect(leastMemory(run)).toBeLessThan(2 * 2 ** 30);
  });
});

test('a full pass is timed by a part of it', async () => {
  const problem = await open((await tiny).files, { batch: 16 });
  const { seconds, samples } = await timePass(problem.validation, 2, new AbortController().signal);
  expect(samples).toBe(128);
  expect(seconds).toBeGreaterThan(0);
});
