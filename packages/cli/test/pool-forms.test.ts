import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, type SearchReport, writeNpy } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { value, writeGraph, zeros } from '../../core/test/files.js';
import type { PoolFlags } from '../src/pool/pool-files.js';
import { archive, CHECKPOINTS, found, inFolders, otherThings, prefixed, writeParts } from './pool-forms.js';
import {
  CLASSES,
  FEATURES,
  float32,
  type LinearPool,
  linearPool,
  modelPath,
  writeConfig,
  writeLabels,
  writeModel,
} from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

const ordinary = linearPool().then(({ folder }) => found(folder));

const TEST = '{ inputs: test_inputs.npy, labels: test_labels.npy }';

describe('the same pool gives the same soup and scores', () => {
  it.each<[string, (pool: LinearPool) => unknown, Record<string, string>]>([
    ['in folders of shards', (pool) => inFolders(pool, true), { models: `'${CHECKPOINTS}/*'` }],
    [
      'in shards by their indexes',
      (pool) => inFolders(pool, true),
      { models: `'${CHECKPOINTS}/*/model.safetensors.index.json'` },
    ],
    ['in folders of one file', (pool) => inFolders(pool, false), { models: `'${CHECKPOINTS}/*/'` }],
    ['in folders beside other things', otherThings, { models: `'${CHECKPOINTS}/*'` }],
    [
      'with deflated archives and one-hot labels',
      ({ folder, validation, test }) => {
        archive(join(folder, 'val.npz'), validation, true);
        archive(join(folder, 'test.npz'), test, false);
      },
      {
        validation: "{ inputs: 'val.npz:x', labels: 'val.npz:y' }",
        test: "{ inputs: 'test.npz:x', labels: 'test.npz:y' }",
      },
    ],
    [
      'with inputs in parts, by a pattern',
      (pool) => writeParts(pool),
      { validation: "{ inputs: 'part-*.npy', labels: val_labels.npy }" },
    ],
    [
      'with inputs in parts, one by one',
      (pool) => writeParts(pool),
      { validation: '{ inputs: [part-0.npy, part-1.npy, part-2.npy], labels: [val_labels.npy] }' },
    ],
  ])('%s', async (_, change, entries) => {
    const pool = await linearPool();
    await change(pool);
    writeConfig(pool.folder, { test: TEST, ...entries });
    expect(await found(pool.folder)).toEqual(await ordinary);
  });

  it('with parts and archives named by flags', async () => {
    const pool = await linearPool();
    await writeParts(pool);
    archive(join(pool.folder, 'val.npz'), pool.validation, true);
    const inFolder = (name: string) => join(pool.folder, name);
    const valInputs = ['part-0.npy', 'part-1.npy', 'part-2.npy'].map(inFolder);
    expect(await found(pool.folder, { valInputs, valLabels: [inFolder('val.npz:y')] })).toEqual(await ordinary);
  });

  it.each<[string, string, Record<string, string>, PoolFlags]>([
    ['a prefix that is found', 'module.', {}, {}],
    ['a prefix that radin.yaml names', 'module.', { rename: "{ 'module.': '' }" }, {}],
    ['names that flags map', 'x_', {}, { rename: { x_weight: 'weight', x_bias: 'bias' } }],
  ])('with tensors of other names: %s', async (_, prefix, entries, flags) => {
    const pool = await linearPool();
    await prefixed(pool, prefix);
    writeConfig(pool.folder, { test: TEST, ...entries });
    const { soup, notices, ...scores } = await found(pool.folder, flags);
    const { soup: expectedSoup, ...expected } = await ordinary;
    const isFound = prefix === 'module.' && entries.rename === undefined;
    expect(notices).toEqual(isFound ? [expect.stringMatching(/with the prefix "module\."/)] : []);
    expect({ ...scores, notices: [] }).toEqual(expected);
    const path = join(pool.folder, 'soup.safetensors');
    writeFileSync(path, soup);
    const file = await openSafetensors(path);
    expect(file.tensors.map(({ name }) => name)).toEqual([`${prefix}bias`, `${prefix}weight`]);
    await file.close();
    expect(soup.subarray(-112)).toEqual(expectedSoup.subarray(-112));
  });
});

describe('soups in shards', () => {
  it('are written by search and compare, and evaluate, inspect and average read them', async () => {
    const pool = await linearPool();
    const { folder } = pool;
    const out = join(newFolder(), 'out');
    const report = await radinJson<SearchReport>(
      ['search', '.', '--no-report', '--budget', '5', '--max-shard-size', '100B', '--out', out],
      folder,
    );
    expect(report.soupFile).toBe('soup.safetensors.index.json');
    expect(report).toMatchObject(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')));
    const index = join(out, 'soup.safetensors.index.json');
    const evaluated = await radinJson<{ model: string; score: number }>(['evaluate', '.', index], folder);
    expect(evaluated).toMatchObject({ model: 'soup', score: report.best.valScore });
    const inspected = await radinJson<{ format: string; tensors: { name: string }[] }>(['inspect', index], folder);
    expect(inspected.tensors.map(({ name }) => name)).toEqual(['bias', 'weight']);
    const compare = newFolder();
    const compared = await runRadin(
      ['compare', '.', '--budgets', '1', '--out', compare, '--max-shard-size', '100B'],
      folder,
    );
    expect(readFileSync(join(compare, 'report.html'), 'utf8')).toContain('It is in soup.safetensors.index.json');
    expect(compared.stdout).toContain(join(compare, 'soup.safetensors.index.json'));
  });

  it('are averaged as files are, and average tells what it wrote', async () => {
    const pool = await linearPool();
    await inFolders(pool, true);
    const from = (path: (id: string) => string) => ['a', 'b', 'c'].map(path);
    const folders = from((id) => join(CHECKPOINTS, id));
    const out = join(pool.folder, 'out');
    mkdirSync(out);
    const args = ['--weights', '0.5,0.3,0.2', '--out'];
    await radinJson(['average', ...folders, ...args, 'out/x.safetensors'], pool.folder);
    await radinJson(['average', ...from((id) => modelPath(pool, id)), ...args, 'out/y.safetensors'], pool.folder);
    expect(readFileSync(join(out, 'x.safetensors'))).toEqual(readFileSync(join(out, 'y.safetensors')));
    const sharded = ['average', ...folders, ...args, 'out/model.safetensors', '--max-shard-size', '100B'];
    const report = await radinJson<object>(sharded, pool.folder);
    expect(report).toMatchObject({
      out: 'out/model.safetensors.index.json',
      models: ['a', 'b', 'c'],
      shards: ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'],
    });
    const again = await radinJson<{ out: string }>(['average', 'out', '--out', 'out/z.safetensors'], pool.folder);
    expect(again.out).toBe('out/z.safetensors');
    expect(readFileSync(join(out, 'z.safetensors')).subarray(-112)).toEqual(
      readFileSync(join(out, 'x.safetensors')).subarray(-112),
    );
  });
});

describe('inspect', () => {
  it('tells of a pool in shards what belongs, and that names have a prefix', async () => {
    const pool = await linearPool();
    await inFolders(pool, true);
    await prefixed(pool, 'module.');
    writeConfig(pool.folder, { models: `[ '${CHECKPOINTS}/*' ]` });
    const shards = await radinJson<{ models: { id: string; bytes: number; problems: string[] }[] }>(
      ['inspect', '.'],
      pool.folder,
    );
    expect(shards.models.map(({ id, problems }) => [id, problems])).toEqual([...'abcd'].map((id) => [id, []]));
    expect(shards.models[0]?.bytes).toBeGreaterThan(112);
    writeConfig(pool.folder);
    const names = await radinJson<{ problems: string[]; notices: string[] }>(['inspect', '.'], pool.folder);
    expect(names.problems).toEqual([]);
    expect(names.notices).toEqual([expect.stringMatching(/the prefix "module\."/)]);
  });

  it('lists the arrays of an archive', async () => {
    const { folder, validation } = await linearPool();
    archive(join(folder, 'val.npz'), validation, true);
    const { format, tensors } = await radinJson<{ format: string; tensors: object[] }>(['inspect', 'val.npz'], folder);
    expect(format).toBe('npz');
    expect(tensors).toMatchObject([
      { name: 'x', dtype: 'F32', shape: [150, FEATURES] },
      { name: 'y', dtype: 'U8', shape: [150, CLASSES] },
    ]);
  });
});

it('models of texts take int64 tokens as inputs', async () => {
  const folder = newFolder();
  const [vocabulary, length, samples] = [11, 5, 60];
  mkdirSync(join(folder, 'models'));
  const embedding = (seed: number) =>
    Array.from({ length: vocabulary * CLASSES }, (_, at) => Math.sin((at + 1) * 12.9 * seed) * 3);
  const tables = { a: embedding(1), b: embedding(1.1) };
  for (const [id, table] of Object.entries(tables)) {
    await writeModel(join(folder, 'models', `${id}.safetensors`), [float32('embedding', [vocabulary, CLASSES], table)]);
  }
  writeGraph(join(folder, 'model.onnx'), {
    input: [value('tokens', 'I64', ['batch', length])],
    output: [value('logits', 'F32', ['batch', CLASSES])],
    initializer: [zeros('embedding', 'F32', [vocabulary, CLASSES])],
    node: [
      { op_type: 'Gather', input: ['embedding', 'tokens'], output: ['words'] },
      {
        op_type: 'ReduceMean',
        input: ['words'],
        output: ['logits'],
        attribute: [
          { name: 'axes', type: 7, ints: zeros('', 'F32', [1]).dims as never },
          { name: 'keepdims', type: 2, i: zeros('', 'F32', [0]).dims?.[0] as never },
        ],
      },
    ],
  });
  const tokens = Array.from({ length: samples * length }, (_, at) => (at * 7 + (at % 3)) % vocabulary);
  const logit = (table: readonly number[], sample: number, label: number) =>
    tokens
      .slice(sample * length, (sample + 1) * length)
      .reduce((sum, token) => sum + Math.fround(table[token * CLASSES + label] as number), 0);
  const predictions = Array.from({ length: samples }, (_, sample) => {
    const logits = Array.from({ length: CLASSES }, (__, label) => logit(tables.a, sample, label));
    return logits.indexOf(Math.max(...logits));
  });
  const wrong = predictions.map((label, sample) => (sample % 4 === 0 ? (label + 1) % CLASSES : label));
  await writeLabels(join(folder, 'val_labels.npy'), wrong);
  writeConfig(folder);
  for (const [dtype, typed] of [
    ['I64', BigInt64Array.from(tokens, BigInt)],
    ['I32', Int32Array.from(tokens)],
  ] as const) {
    await writeNpy(join(folder, 'val_inputs.npy'), dtype, [samples, length], new Uint8Array(typed.buffer));
    expect(await radinJson(['evaluate', '.', 'a'], folder)).toMatchObject({ samples, correct: 45 });
  }
});
