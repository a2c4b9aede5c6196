import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Verification } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { python, runPython } from '../../core/test/formats/scratch.js';
import { draw, node, numbers, value, writeGraph, zeros } from '../../core/test/pools.js';
import { float32, linearPool, writeConfig, writeFloats, writeLabels, writeModel } from './pools.js';
import { averaged, LOCK, refusal, SEARCH, SOUP, searched, verify } from './recorded-soups.js';
import { radinJson, runRadinHere } from './run-radin.js';
import { newFolder } from './scratch.js';

describe('verify', () => {
  it('finds a soup as recorded, by its file, its folder and its lock', async () => {
    const { folder } = await searched();
    for (const named of ['out', SOUP, LOCK]) {
      const found = await verify(folder, named, '--scores');
      expect(found).toMatchObject({ verified: true, tensors: 2, files: 2 });
    }
    const { stdout, code } = await runRadinHere(['verify', 'out'], folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/2 tensors are the average .* bit for bit\n(.*\n)?verified .*soup\.safetensors\n$/);
  });

  it('keeps to a limit of memory, and tells its peak and what was predicted', async () => {
    const { folder } = await searched();
    const limited = ['verify', 'out', '--scores', '--max-memory'];
    const { code, stderr } = await runRadinHere([...limited, '400MiB'], folder);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/note: peak memory .*, predicted at most .* MiB, allowed 400 MiB\n$/),
    ]);
    expect(await runRadinHere([...limited, '8MiB'], folder)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^radin: error: Expected --max-memory of at least \d+MiB, .* found 8MiB\n$/),
    });
  });

  it('finds the lock of a soup that a link leads to, and of one that was renamed together with it', async () => {
    const { folder } = await averaged();
    symlinkSync(join(folder, SOUP), join(folder, 'link.safetensors'));
    expect(await verify(folder, 'link.safetensors')).toMatchObject({ verified: true, files: 1 });
    rmSync(join(folder, 'link.safetensors'));
    for (const suffix of ['', '.lock.json']) {
      renameSync(join(folder, SOUP + suffix), join(folder, 'out', `renamed.safetensors${suffix}`));
    }
    expect(await verify(folder, 'out/renamed.safetensors')).toMatchObject({ verified: true, files: 1 });
    copyFileSync(join(folder, 'models/a.safetensors'), join(folder, 'out/renamed.safetensors'));
    expect(await refusal(folder, 'out/renamed.safetensors')).toMatch(/its record in its metadata/);
  });

  it('needs no lock where the ingredients are named', async () => {
    const { folder } = await searched();
    rmSync(join(folder, LOCK));
    expect(await refusal(folder, 'out')).toMatch(
      /Expected the ingredient "\w" but found none without a lock: --models/,
    );
    for (const where of [
      ['--models', 'models/*'],
      ['--pool', '.', '--scores'],
    ]) {
      expect(await verify(folder, 'out', ...where)).toMatchObject({ verified: true, tensors: 2, files: 0 });
    }
  });

  it('knows the samples that were held out, by the record alone', async () => {
    const { folder } = await linearPool();
    await radinJson([...SEARCH, '--holdout', '0.3', '--seed', '5'], folder);
    rmSync(join(folder, LOCK));
    const { scores } = await verify<Verification & { scores: object }>(folder, 'out', '--pool', '.', '--scores');
    expect(Object.keys(scores)).toEqual(['validation', 'test', 'holdout']);
  });

  it('finds scores of a metric of the user’s, where the command line names it, and runs none else', async () => {
    const { folder } = await linearPool();
    const metric = (score: string) =>
      `export default { name: 'margin', higherIsBetter: true, unit: 'logits', score({ logits, samples }) { return ${score}; } };`;
    writeFileSync(join(folder, 'margin.mjs'), metric('logits[0] / samples'));
    await radinJson([...SEARCH, '--metric', './margin.mjs'], folder);
    expect(await refusal(folder, 'out', '--scores')).toMatch(/recorded "margin" but found none\n/);
    const named = (file: string) => ['out', '--scores', '--metric', file];
    expect(await verify(folder, ...named('./margin.mjs'))).toMatchObject({ verified: true });
    writeFileSync(join(folder, 'other.mjs'), metric('logits[0] / samples + 0.01'));
    expect(await refusal(folder, ...named('./other.mjs'))).toMatch(
      /Expected a validation margin of -?[\d.]+ but found/,
    );
  });

  it('keeps no report of an earlier soup beside the soup of a run without one', async () => {
    const { folder } = await searched();
    writeFileSync(join(folder, 'out', 'report.html'), 'of this soup');
    await radinJson([...SEARCH, '--seed', '1'], folder);
    expect(existsSync(join(folder, 'out', 'report.html'))).toBe(false);
    expect(await verify(folder, 'out')).toMatchObject({ verified: true });
  });

  it('finds ingredients that were moved where it is told to', async () => {
    const { folder } = await averaged();
    renameSync(join(folder, 'models'), join(folder, 'moved'));
    expect(await refusal(folder, SOUP)).toMatch(
      /Expected the ingredient "a" at .*models.a\.safetensors but found none/,
    );
    expect(await verify(folder, SOUP, '--models', 'moved/*')).toMatchObject({ verified: true, files: 1 });
    cpSync(join(folder, 'moved'), join(folder, 'again'), { recursive: true });
    expect(await refusal(folder, SOUP, '--models', 'moved/*', 'again/*')).toMatch(
      /Expected one model called "a" but found two: .*moved.a\.safetensors and .*again.a\.safetensors/,
    );
  });

  it('goes by the lock after soup and pool were moved together', async () => {
    const { folder } = await searched();
    const moved = join(newFolder(), 'elsewhere');
    renameSync(folder, moved);
    expect(await verify(moved, 'out', '--scores')).toMatchObject({ verified: true });
  });

  it.each(['search', 'compare'])('of %s: the lock is the same text after the same run', async (command) => {
    const { folder } = await linearPool();
    const locks: string[] = [];
    for (const threads of ['1', '2']) {
      const budget = command === 'search' ? '--budget' : '--budgets';
      await radinJson([command, '.', budget, '2', '--no-report', '--out', 'out', '--threads', threads], folder);
      locks.push(readFileSync(join(folder, LOCK), 'utf8'));
    }
    expect(locks[1]).toBe(locks[0]);
    expect(await verify(folder, 'out', '--scores')).toMatchObject({ verified: true });
  });
});

it.skipIf(python === undefined)('NumPy makes the soup again from its lock alone, bit for bit', async () => {
  const { folder } = await averaged();
  const program = `
import json, os, struct, sys
import numpy as np
def tensors(path):
    data = open(path, 'rb').read()
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + length])
    header.pop('__metadata__', None)
    at = 8 + length
    return {name: np.frombuffer(data[at + t['data_offsets'][0]:at + t['data_offsets'][1]], '<f4') for name, t in header.items()}
lock = json.load(open(sys.argv[1]))
folder = os.path.dirname(sys.argv[1])
soup = tensors(os.path.join(folder, lock['soup']))
models = [tensors(os.path.join(folder, i['files'][0]['path'])) for i in lock['ingredients']]
for name, found in soup.items():
    total = sum(np.float64(w) * m[name].astype(np.float64) for w, m in zip(lock['record']['weights'], models))
    assert total.astype(np.float32).tobytes() == found.tobytes(), name
print(len(soup))`;
  expect(runPython(program, join(folder, `${SOUP}.lock.json`))).toBe('2');
  expect(await verify(folder, SOUP)).toMatchObject({ verified: true, tensors: 2 });
});

describe('soups of other kinds', () => {
  it('in shards, of models of different dtypes', async () => {
    const { folder } = await linearPool();
    const half = { name: 'weight', dtype: 'F16', shape: [6, 4], bytes: new Uint8Array(48).fill(0x31) } as const;
    await writeModel(join(folder, 'models', 'd.safetensors'), [half, float32('bias', [4], [1, 2, 3, 4])]);
    await writeModel(join(folder, 'models', 'e.safetensors'), [half, float32('bias', [4], [1, 2, 3, 5])]);
    await radinJson([...SEARCH, '--max-shard-size', '100B'], folder);
    expect(await verify(folder, 'out', '--scores')).toMatchObject({ verified: true, tensors: 2, files: 4 });
    // Of the models in 16 bits alone, widened as all of the pool were.
    await radinJson(['average', 'models/*', '--weights', '0,0,0,.5,.5', '--out', 'out/half.safetensors'], folder);
    expect(await verify(folder, 'out/half.safetensors')).toMatchObject({ verified: true, ingredients: 2 });
  });

  it('with statistics of BatchNorm that were estimated anew', async () => {
    const folder = newFolder();
    const [channels, classes, samples] = [5, 3, 60];
    const shapes = {
      'n.scale': [channels],
      'n.bias': [channels],
      'n.mean': [channels],
      'n.var': [channels],
      w: [channels, classes],
    };
    writeGraph(join(folder, 'model.onnx'), {
      input: [value('x', 'F32', ['batch', channels])],
      output: [value('logits', 'F32', ['batch', classes])],
      initializer: Object.entries(shapes).map(([name, shape]) => zeros(name, 'F32', shape)),
      node: [
        node('BatchNormalization', ['x', 'n.scale', 'n.bias', 'n.mean', 'n.var'], 'y'),
        node('Relu', ['y'], 'z'),
        node('MatMul', ['z', 'w'], 'logits'),
      ],
    });
    mkdirSync(join(folder, 'models'));
    for (const [at, id] of ['a', 'b', 'c'].entries()) {
      const tensors = Object.entries(shapes).map(([name, shape], index) => {
        const length = shape.reduce((product, size) => product * size, 1);
        const values = draw(numbers(10 * at + index), length);
        return float32(name, shape, name === 'n.var' ? [...values].map((x) => 1 + x * x) : values);
      });
      await writeModel(join(folder, 'models', `${id}.safetensors`), tensors);
    }
    for (const [name, seed] of [
      ['val_inputs', 1],
      ['bn_inputs', 2],
    ] as const) {
      await writeFloats(join(folder, `${name}.npy`), [samples, channels], draw(numbers(seed), samples * channels));
    }
    await writeLabels(
      join(folder, 'val_labels.npy'),
      Array.from({ length: samples }, (_, at) => at % classes),
    );
    writeConfig(folder, { bn_inputs: 'bn_inputs.npy' });
    await radinJson(['search', '.', '--strategy', 'radin', '--budget', '4', '--no-report', '--out', 'out'], folder);
    const { record } = JSON.parse(readFileSync(join(folder, LOCK), 'utf8'));
    expect(record.batchNorm).toMatchObject({ samples });
    expect(await verify(folder, 'out', '--scores')).toMatchObject({ verified: true, tensors: 5 });
    await writeFloats(join(folder, 'bn_inputs.npy'), [samples, channels], draw(numbers(3), samples * channels));
    expect(await refusal(folder, 'out')).toMatch(/Expected the inputs on which the BatchNorm statistics of the soup/);
  });
});
