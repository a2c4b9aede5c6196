import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { ProblemInspection } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { linearPool, modelPath, writeConfig } from './pools.js';
import { DIGITS, radinJson, runRadin, runRadinHere } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

interface DryRun {
  readonly pool: { readonly models: readonly string[]; readonly samples: number; readonly classes: number };
  readonly passes: {
    readonly models: number;
    readonly remembered: number;
    readonly soups: number;
    readonly test: number;
  };
  readonly predicted: { readonly peakMemory: number; readonly disk: number; readonly seconds: number };
}

/** Bytes in a text such as `257 MiB`. */
function bytesIn(text: string): number {
  const [, digits, unit = ''] = /([\d.]+) ([KMG]?)iB/.exec(text) ?? [];
  return Number(digits) * 1024 ** ' KMG'.indexOf(unit || ' ');
}

describe.concurrent('a dry run', () => {
  it('of a search tells passes and needs, and writes nothing, not even a cache', async () => {
    const folder = newFolder();
    const cache = join(folder, 'cache');
    const found = await radinJson<DryRun>(['search', DIGITS, '--dry-run', '--budget', '7', '--cache', cache], folder);
    expect(found).toMatchObject({
      dryRun: true,
      pool: { samples: 2000, classes: 10 },
      splits: [
        { name: 'validation', samples: 2000, shape: [1, 28, 28], dtype: 'U8' },
        { name: 'test', samples: 4000, estimated: true },
      ],
      strategy: 'adaptive',
      passes: { models: 16, remembered: 0, soups: 7, test: 2 },
    });
    expect(found.pool.models).toHaveLength(16);
    expect(found.predicted.seconds).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('knows what earlier runs have left, and what a search would refuse', async () => {
    const { folder } = await linearPool({ models: 3 });
    const cache = join(folder, 'cache');
    await radinJson(['search', folder, '--budget', '1', '--no-report', '--cache', cache], folder);
    const { passes } = await radinJson<DryRun>(
      ['compare', folder, '--dry-run', '--cache', cache, '--out', 'x'],
      folder,
    );
    expect(passes).toMatchObject({ models: 3, remembered: 3 });
    expect(existsSync(join(folder, 'x'))).toBe(false);
    writeConfig(folder, { validation: '{ inputs: val_inputs.npy, labels: val_inputs.npy }' });
    const { code, stderr } = await runRadinHere(['search', folder, '--dry-run'], folder);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^radin: error: .*val_inputs\.npy, row 0\n$/)]);
  });
});

describe.concurrent('--max-memory', () => {
  it('is kept to, and its peak is told beside the prediction', async () => {
    const args = ['search', DIGITS, '--budget', '2', '--no-report', '--no-cache', '--max-memory', '400MiB'];
    const { stderr, code } = await runRadin(args, newFolder());
    expect(code).toBe(0);
    const [, peak = '', predicted = ''] =
      /peak memory (.*), predicted at most (.*), allowed 400 MiB/.exec(stderr) ?? [];
    expect(bytesIn(peak)).toBeLessThan(bytesIn('400 MiB'));
    expect(bytesIn(predicted) / bytesIn(peak)).toBeGreaterThan(0.8);
    expect(bytesIn(predicted) / bytesIn(peak)).toBeLessThan(2);
    expect(stderr).toContain(process.platform === 'linux' ? 'with the process that evaluates' : 'without the process');
  });

  it.each([
    ['average', 'models/a.safetensors', 'models/b.safetensors', '--out', 'soup.safetensors'],
    ['search', '.', '--out', 'found'],
    ['score', '--logits', 'val_inputs.npy', '--labels', 'val_labels.npy'],
  ])('that is too small for %s is one line with what is needed', async (...args) => {
    const { folder } = await linearPool({ models: 2 });
    const before = readdirSync(folder);
    const { code, stderr } = await runRadinHere([...args, '--max-memory', '8MB'], folder);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^radin: error: Expected --max-memory of at least \d+MiB, .* found 7MiB\n$/),
    ]);
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe.concurrent('logits in place of a file of the pool', () => {
  it.each(['models/../models/b.safetensors', 'val_inputs.npy'])('are refused: %s', async (path) => {
    const { folder } = await linearPool({ models: 2 });
    const before = readFileSync(join(folder, path));
    const { code, stderr } = await runRadinHere(['evaluate', '.', 'a', '--save-logits', path], folder);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching('^radin: error: Expected --save-logits to be another file'),
    ]);
    expect(readFileSync(join(folder, path))).toEqual(before);
  });
});

describe.concurrent('results in place of a file of the pool', () => {
  const link = (target: string, path: string) => symlinkSync(resolve(target), path);
  it.each([
    ['a soup', (pool: string) => link(join(pool, 'val_labels.npy'), join(pool, 'out/soup.safetensors')), 'out'],
    ['a journal', (pool: string) => link(join(pool, 'models/a.safetensors'), join(pool, 'out/journal.jsonl')), 'out'],
    ['a lock', (pool: string) => link(join(pool, 'model.onnx'), join(pool, 'out/radin.lock.json')), 'out'],
    [
      'a folder that is that of the models',
      (pool: string) => link(join(pool, 'models'), join(pool, 'linked')),
      'linked',
    ],
    [
      'a folder that holds a model',
      (pool: string) => {
        renameSync(join(pool, 'models/a.safetensors'), join(pool, 'out/a.safetensors'));
        link(join(pool, 'out/a.safetensors'), join(pool, 'models/a.safetensors'));
      },
      'out',
    ],
    ['a folder without a name', () => {}, ''],
  ])('are refused, whatever links say: %s', async (_, prepare, out) => {
    const { folder } = await linearPool({ models: 2 });
    mkdirSync(join(folder, 'out'));
    prepare(folder);
    const bytes = () =>
      listing(folder).map((name) => {
        const path = join(folder, name);
        return [name, statSync(path).isFile() && readFileSync(path, 'hex')];
      });
    const before = bytes();
    const { code, stderr } = await runRadinHere(['search', '.', '--out', out, '--restart'], folder);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^radin: error: Expected .*--out.*\n$/)]);
    expect(bytes()).toEqual(before);
  });
});

describe.concurrent('inspect --quick', () => {
  it('tells of headers what is wrong with models and data', async () => {
    const pool = await linearPool({ models: 2 });
    writeFileSync(modelPath(pool, 'b'), 'not a model');
    writeConfig(pool.folder, { test: '{ inputs: test_inputs.npy, labels: val_inputs.npy }' });
    const { models, problems, splits, batchNorm } = await radinJson<ProblemInspection>(
      ['inspect', pool.folder, '--quick'],
      pool.folder,
    );
    expect(models.map(({ verdict }) => verdict)).toEqual(['ok by its header', 'cannot be read']);
    expect(problems).toEqual([expect.stringMatching(/val_inputs\.npy/)]);
    expect(splits).toEqual([{ name: 'validation', samples: 150, dtype: 'F32', shape: [150, 6] }]);
    expect(batchNorm).toEqual({ nodes: 0, folded: false });
  });
});
