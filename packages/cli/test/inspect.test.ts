import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolInspection } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { type LinearModel, layers, linearPool, modelPath, writeConfig, writeModel } from './pools.js';
import { DIGITS, radinJson, runRadin, runRadinHere } from './run-radin.js';
import { newFolder } from './scratch.js';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

describe.concurrent('inspect of a pool', () => {
  it('lists its models with the size and the hash of each file, no problems, and a warning of the one that is far from the others', async () => {
    const { models, problems } = await radinJson<PoolInspection>(['inspect', DIGITS], newFolder());
    expect(problems).toEqual([]);
    expect(models).toHaveLength(16);
    for (const model of models) {
      const file = readFileSync(model.file);
      expect(model).toEqual({
        id: expect.stringMatching(/^\d\d-lr/),
        file: join(DIGITS, 'models', `${model.id}.safetensors`),
        verdict: model.id.startsWith('15-') ? 'outside the basin' : 'ok',
        tensors: expect.any(Number),
        bytes: file.byteLength,
        sha256: sha256(file),
        problems: [],
        warnings: model.id.startsWith('15-') ? [expect.stringMatching(/^model 15-.* outside the basin/)] : [],
      });
    }
  });

  it('evaluates within a limit of memory, of which it tells the peak, and refuses one that is too small before it reads a weight', async () => {
    const pool = await linearPool();
    const args = ['inspect', pool.folder, '--disagreement', '--no-cache', '--json'];
    const free = await runRadinHere(args, pool.folder);
    const limited = await runRadinHere([...args, '--max-memory', '400MiB'], pool.folder);
    expect(JSON.parse(limited.stdout)).toEqual(JSON.parse(free.stdout));
    expect(limited.stderr).toMatch(/note: peak memory .*, predicted at most .* MiB, allowed 400 MiB\n$/);
    // Enough for distances and not for an evaluation.
    const { code, stdout, stderr } = await runRadinHere([...args, '--max-memory', '250MiB'], pool.folder);
    expect([code, stdout, stderr]).toEqual([
      2,
      '',
      expect.stringMatching(/^radin: error: Expected --max-memory of at least \d+MiB, .* found 250MiB\n$/),
    ]);
  });

  it('names models with equal weights', async () => {
    const pool = await linearPool();
    copyFileSync(modelPath(pool, 'a'), modelPath(pool, 'e'));
    const { problems } = await radinJson<PoolInspection>(['inspect', pool.folder], pool.folder);
    expect(problems).toEqual([expect.stringMatching(/a and e .*equal weights/)]);
  });

  it('names each model that does not belong, and why, and looks at all others', async () => {
    const pool = await linearPool({ models: 7 });
    const [a] = pool.models as [LinearModel];
    const [weight, bias] = layers(a);
    const integers = { ...bias, dtype: 'I32' } as const;
    await writeModel(modelPath(pool, 'b'), [weight]);
    await writeModel(modelPath(pool, 'c'), [{ ...weight, shape: [4, 6] }, bias]);
    await writeModel(modelPath(pool, 'd'), [weight, integers]);
    truncateSync(modelPath(pool, 'e'), 100);
    const { models } = await radinJson<PoolInspection>(['inspect', pool.folder], pool.folder);
    const problems = Object.fromEntries(models.map(({ id, problems: found }) => [id, found.join('\n')]));
    expect(problems).toEqual({
      a: '',
      b: expect.stringMatching(/"bias".* found none/),
      c: expect.stringMatching(/"weight" to be F32 \[6, 4\].* found F32 \[4, 6\]/),
      d: expect.stringMatching(/"bias" to be F32 \[4\].* found I32 \[4\]/),
      e: expect.stringMatching(/safetensors/),
      f: '',
      g: '',
    });
    const { code, stdout } = await runRadin(['inspect', pool.folder], pool.folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^a +2 .*ok$/m);
    expect(stdout).toMatch(/^b +1 .*does not belong$/m);
    expect(stdout).toContain('4 of 7 models with problems');
  });

  it('names a model with NaN among its weights, and one that is listed and not there', async () => {
    const pool = await linearPool();
    const [a] = pool.models as [LinearModel];
    await writeModel(modelPath(pool, 'c'), layers({ ...a, weight: a.weight.with(5, Number.NaN) }));
    writeConfig(pool.folder, { models: '[models/a.safetensors, models/c.safetensors, models/gone.safetensors]' });
    const { models } = await radinJson<PoolInspection>(['inspect', pool.folder], pool.folder);
    expect(models.map(({ id }) => id)).toEqual(['a', 'c', 'gone']);
    expect(models[1]?.problems).toEqual([expect.stringMatching(/NaN.*"weight", element 5/)]);
    expect(models[2]?.problems).toEqual([expect.stringMatching(/gone\.safetensors/)]);
  });

  it('names weights that the graph does not have', async () => {
    const pool = await linearPool({ models: 2 });
    for (const model of pool.models) {
      const [weight, bias] = layers(model);
      await writeModel(modelPath(pool, model.id), [weight, { ...bias, name: 'fc.bias' }]);
    }
    const { models, problems } = await radinJson<PoolInspection>(['inspect', pool.folder], pool.folder);
    for (const model of models) expect(model.problems).toEqual([expect.stringMatching(/"fc\.bias".*model\.onnx/)]);
    expect(problems).toEqual([expect.stringMatching(/No model has the tensor bias/)]);
  });
});

describe.concurrent('inspect of a file', () => {
  it('lists the tensors of a safetensors file', async () => {
    const pool = await linearPool({ models: 1 });
    const [model] = pool.models as [LinearModel];
    const path = modelPath(pool, 'a');
    const expected = layers(model).map(({ bytes, ...tensor }) => ({ ...tensor, sha256: sha256(bytes) }));
    expect(await radinJson(['inspect', path], pool.folder)).toMatchObject({
      file: path,
      format: 'safetensors',
      tensors: expected,
    });
  });

  it('lists a checkpoint with NaN among its weights, and says where', async () => {
    const pool = await linearPool({ models: 1 });
    const [model] = pool.models as [LinearModel];
    const tensors = layers({ ...model, weight: model.weight.with(5, Number.NaN) });
    const path = modelPath(pool, 'nan');
    await writeModel(path, tensors);
    const expected = tensors.map(({ bytes, ...tensor }) => ({ ...tensor, sha256: sha256(bytes) }));
    const found = await radinJson<{ tensors: object[] }>(['inspect', path], pool.folder);
    expect(found.tensors).toEqual(expected.map((one) => (one.name === 'weight' ? { ...one, firstNaN: 5 } : one)));
    const { stdout } = await runRadin(['inspect', path], pool.folder);
    expect(stdout).toContain('NaN in tensor "weight", first in element 5');
  });

  it('lists the ingredients that a soup notes', async () => {
    const pool = await linearPool({ models: 2 });
    await radinJson(
      ['average', 'models/a.safetensors', 'models/b.safetensors', '--out', 'soup.safetensors'],
      pool.folder,
    );
    const { metadata } = await radinJson<{ metadata: { radin: string } }>(['inspect', 'soup.safetensors'], pool.folder);
    const contents = (model: LinearModel) =>
      layers(model)
        .sort((one, other) => (one.name < other.name ? -1 : 1))
        .map(({ name, dtype, shape, bytes }) => JSON.stringify([name, dtype, shape, sha256(bytes)]));
    expect(JSON.parse(metadata.radin)).toMatchObject({
      models: ['a', 'b'],
      weights: [0.5, 0.5],
      sha256: pool.models.map((model) => sha256(contents(model).join(''))),
    });
  });

  it('lists the initializers of a graph', async () => {
    const { folder } = await linearPool({ models: 1 });
    expect(await radinJson(['inspect', 'model.onnx'], folder)).toEqual({
      file: 'model.onnx',
      format: 'onnx',
      tensors: [
        { name: 'weight', dtype: 'F32', shape: [6, 4], sha256: sha256(new Uint8Array(96)) },
        { name: 'bias', dtype: 'F32', shape: [4], sha256: sha256(new Uint8Array(16)) },
      ],
    });
  });

  it('lists the array of an .npy file', async () => {
    const { folder, validation } = await linearPool({ models: 1 });
    const bytes = new Uint8Array(validation.inputs.buffer);
    expect(await radinJson(['inspect', 'val_inputs.npy'], folder)).toEqual({
      file: 'val_inputs.npy',
      format: 'npy',
      tensors: [{ name: 'val_inputs', dtype: 'F32', shape: [150, 6], sha256: sha256(bytes) }],
    });
  });

  it('shows what a radin.yaml says', async () => {
    const { folder } = await linearPool({ models: 1 });
    const report = await radinJson<{ config: object }>(['inspect', 'radin.yaml'], folder);
    expect(report).toMatchObject({ format: 'radin.yaml', tensors: [] });
    expect(report.config).toEqual({
      graph: 'model.onnx',
      models: 'models/*.safetensors',
      validation: { inputs: 'val_inputs.npy', labels: 'val_labels.npy' },
      test: { inputs: 'test_inputs.npy', labels: 'test_labels.npy' },
    });
  });

  it.each([
    ['models/a.safetensors', 'safetensors'],
    ['val_labels.npy', 'npy'],
  ])('knows %s without its extension', async (source, format) => {
    const { folder } = await linearPool({ models: 1 });
    copyFileSync(join(folder, source), join(folder, 'unnamed'));
    expect(await radinJson(['inspect', 'unnamed'], folder)).toMatchObject({ file: 'unnamed', format });
  });

  it('refuses a format that it does not know', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'model.h5'), 'another format');
    const { code, stdout, stderr } = await runRadin(['inspect', 'model.h5', '--json'], folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^radin: error: Expected a safetensors, PyTorch, ONNX, NumPy .* in model\.h5\n$/);
  });
});
