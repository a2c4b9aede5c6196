import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type SearchReport, writeNpy } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { type GraphOptions, linearGraph } from './linear-graph.js';
import { CLASSES, FEATURES, linearPool, modelPath, writeConfig, writeFloats, writeLabels } from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

function search(folder: string, args: readonly string[]): Promise<SearchReport> {
  return radinJson<SearchReport>(
    ['search', ...args, '--sampler', 'exhaustive', '--quiet', '--no-report', '--out', newFolder()],
    folder,
  );
}

function writeGraph(folder: string, options: Partial<GraphOptions>): void {
  writeFileSync(join(folder, 'model.onnx'), linearGraph({ features: FEATURES, classes: CLASSES, ...options }));
}

const scores = ({ best, candidates }: SearchReport) => ({ best, candidates });

describe.concurrent('a pool without radin.yaml', () => {
  const splits = [
    ...['--graph', 'model.onnx', '--val-inputs', 'val_inputs.npy', '--val-labels', 'val_labels.npy'],
    ...['--test-inputs', 'test_inputs.npy', '--test-labels', 'test_labels.npy'],
  ];

  it.each([
    ['a pattern', ['--models', 'models/*.safetensors']],
    [
      'files',
      ['--models', 'models/a.safetensors', 'models/b.safetensors', 'models/c.safetensors', 'models/d.safetensors'],
    ],
    ['several patterns', ['--models', 'models/[ab].safetensors', 'models/{c,d}.safetensors']],
  ])('is searched by flags, with models from %s', async (_, models) => {
    const { folder } = await linearPool();
    const expected = await search(folder, [folder]);
    renameSync(join(folder, 'radin.yaml'), join(folder, 'other.txt'));
    expect(scores(await search(folder, [...splits, ...models]))).toEqual(scores(expected));
  });

  it('takes absolute paths and patterns', async () => {
    const { folder } = await linearPool();
    const absolute = splits.map((value) => (value.startsWith('--') ? value : join(folder, value)));
    const found = await search(newFolder(), [...absolute, '--models', join(folder, 'models/*.safetensors')]);
    expect(scores(found)).toEqual(scores(await search(folder, [folder])));
  });
});

describe.concurrent('a radin.yaml', () => {
  it('has paths relative to itself, from wherever it is named', async () => {
    const { folder } = await linearPool();
    const elsewhere = newFolder();
    const expected = scores(await search(folder, ['.']));
    expect(scores(await search(elsewhere, [relative(elsewhere, folder)]))).toEqual(expected);
    expect(scores(await search(elsewhere, [join(folder, 'radin.yaml')]))).toEqual(expected);
  });

  it('may be in a folder whose name looks like a pattern, beside the models', async () => {
    const folder = join(newFolder(), 'pool [1] {a,b} (*)');
    mkdirSync(folder);
    await linearPool({ folder });
    const { candidates } = await search(newFolder(), [folder]);
    expect(candidates).toHaveLength(15);
  });

  it('may name files in other folders', async () => {
    const { folder } = await linearPool();
    const other = newFolder();
    const path = (name: string) => relative(other, join(folder, name));
    writeConfig(other, {
      graph: path('model.onnx'),
      models: `[ '${path('models/*.safetensors')}' ]`,
      validation: `{ inputs: ${path('val_inputs.npy')}, labels: ${join(folder, 'val_labels.npy')} }`,
    });
    expect((await search(other, ['.'])).candidates).toEqual((await search(folder, ['.'])).candidates);
  });

  it('gives way to flags, one by one', async () => {
    const { folder } = await linearPool();
    const swapped = ['--val-inputs', 'test_inputs.npy', '--val-labels', 'test_labels.npy', '--models', 'models/[abc]*'];
    const report = await search(folder, ['.', ...swapped]);
    expect(report.pool).toEqual({ name: basename(folder), models: 3, samples: 100, classes: CLASSES });
    expect(report.best.valScore).toBe(report.best.testScore);
  });

  it('may state the metric, which the flag replaces', async () => {
    const { folder } = await linearPool();
    writeConfig(folder, { metric: 'top-2' });
    expect((await search(folder, ['.'])).metric).toBe('top-2');
    expect((await search(folder, ['.', '--metric', 'accuracy'])).metric).toBe('accuracy');
  });
});

describe.concurrent('inputs', () => {
  it.each([
    ['U8', (values: readonly number[]) => Uint8Array.from(values)],
    ['I16', (values: readonly number[]) => new Uint8Array(Int16Array.from(values).buffer)],
  ] as const)('of dtype %s score as the float32 numbers that they are', async (dtype, encode) => {
    const { folder, validation } = await linearPool({ test: false });
    const pixels = Array.from(validation.inputs, (value) => Math.floor(128 * (value + 1)));
    const shape = [pixels.length / FEATURES, FEATURES];
    await writeFloats(join(folder, 'val_inputs.npy'), shape, pixels);
    const expected = scores(await search(folder, ['.']));
    await writeNpy(join(folder, 'val_inputs.npy'), dtype, shape, encode(pixels));
    expect(scores(await search(folder, ['.']))).toEqual(expected);
  });

  it.each(['U8', 'U16', 'I32'] as const)('may have labels of dtype %s', async (dtype) => {
    const { folder, validation } = await linearPool({ test: false });
    const expected = scores(await search(folder, ['.']));
    const { labels } = validation;
    const typed = { U8: Uint8Array.from(labels), U16: Uint16Array.from(labels), I32: Int32Array.from(labels) }[dtype];
    await writeNpy(join(folder, 'val_labels.npy'), dtype, [labels.length], new Uint8Array(typed.buffer));
    expect(scores(await search(folder, ['.']))).toEqual(expected);
  });

  it('may be one sample', async () => {
    const { folder, validation } = await linearPool({ test: false });
    await writeFloats(join(folder, 'val_inputs.npy'), [1, FEATURES], validation.inputs.subarray(0, FEATURES));
    await writeLabels(join(folder, 'val_labels.npy'), validation.labels.slice(0, 1));
    expect((await search(folder, ['.'])).pool.samples).toBe(1);
  });
});

describe.concurrent('the graph', () => {
  it.each<[string, Partial<GraphOptions>]>([
    ['one Gemm in place of MatMul and Add', { operator: 'Gemm' }],
    ['an unstated number of classes', { statesClasses: false }],
    ['a fixed batch that does not divide the samples', { batch: 7 }],
    ['a fixed batch larger than the samples', { batch: 1000 }],
  ])('may have %s', async (_, options) => {
    const { folder } = await linearPool();
    const expected = scores(await search(folder, ['.', '--strategy', 'radin', '--racing', 'off']));
    writeGraph(folder, options);
    expect(scores(await search(folder, ['.', '--strategy', 'radin', '--racing', 'off']))).toEqual(expected);
  });

  it('may have two outputs, of which --output or radin.yaml names the logits', async () => {
    const { folder } = await linearPool();
    const expected = scores(await search(folder, ['.']));
    writeGraph(folder, { outputs: ['negated', 'logits'] });
    expect(scores(await search(folder, ['.', '--output', 'logits']))).toEqual(expected);
    writeConfig(folder, { output: 'negated', test: '{ inputs: test_inputs.npy, labels: test_labels.npy }' });
    expect(scores(await search(folder, ['.', '--output', 'logits']))).toEqual(expected);
    expect((await search(folder, ['.'])).best.valScore).toBeLessThan(expected.best.valScore as number);
  });

  it('may have weights that no model has: they are used in every soup, and a notice says so', async () => {
    const { folder } = await linearPool();
    const expected = scores(await search(folder, ['.']));
    writeGraph(folder, { scale: 'norm' });
    const { code, stdout, stderr } = await runRadin(
      ['search', '.', '--sampler', 'exhaustive', '--out', newFolder(), '--json'],
      folder,
    );
    expect(code).toBe(0);
    expect(scores(JSON.parse(stdout) as SearchReport)).toEqual(expected);
    expect(stderr).toMatch(/^radin: note: no model has the tensor norm of the graph .*model\.onnx.*\n$/);
  });
});

describe.concurrent('models', () => {
  it('with equal weights are named in a notice', async () => {
    const pool = await linearPool({ models: 2 });
    const report = await runRadin(['average', modelPath(pool, 'a'), '--out', modelPath(pool, 'copy')], pool.folder);
    expect(report.code).toBe(0);
    const { code, stderr } = await runRadin(['compare', '.', '--out', 'out', '--json'], pool.folder);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^radin: note: models a and copy have equal weights/m);
  });

  it('come in the order of their names', async () => {
    const { folder } = await linearPool({ models: 12 });
    expect(readdirSync(join(folder, 'models'))).toHaveLength(12);
    const { best } = await search(folder, ['.', '--lambda', '1', '--budget', '1']);
    expect(best.models).toEqual([...'abcdefghijkl']);
  });
});
