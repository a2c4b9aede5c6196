import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, type SearchReport, writeNpy, writeShardedSafetensors } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { value, writeGraph, zeros } from '../../core/test/files.js';
import { npy, zip } from '../../core/test/zip.js';
import {
  CLASSES,
  FEATURES,
  float32,
  type LinearModel,
  type LinearPool,
  type LinearSplit,
  layers,
  linearPool,
  modelPath,
  type TensorSpec,
  writeConfig,
  writeLabels,
  writeModel,
} from './pools.js';
import { refusal, type Spoil } from './refusal.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

interface Found {
  /** All that a search answers of mixtures. */
  readonly scores: object;
  readonly soup: Buffer;
  readonly report: SearchReport;
  readonly stderr: string;
}

async function search(folder: string, args: readonly string[] = []): Promise<Found> {
  const out = newFolder();
  const options = ['--strategy', 'radin', '--sampler', 'exhaustive', '--no-report', '--json', '--out', out];
  const { code, stdout, stderr } = await runRadin(['search', '.', ...options, ...args], folder);
  if (code !== 0) throw new Error(stderr);
  const report = JSON.parse(stdout) as SearchReport;
  const { best, candidates, evaluations } = report;
  const soup = args.includes('--max-shard-size') ? Buffer.of() : readFileSync(join(out, 'soup.safetensors'));
  return { scores: { best, candidates, evaluations }, soup, report, stderr };
}

const ordinary = linearPool().then(({ folder }) => search(folder));

/** Writes weights and biases in two files with an index. */
async function writeShards(path: string, tensors: readonly TensorSpec[], most = 100): Promise<void> {
  const infos = tensors.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, byteLength: bytes.length }));
  await writeShardedSafetensors(
    path,
    infos,
    new Map(),
    ({ name }, write) => write(tensors.find((tensor) => tensor.name === name)?.bytes as Uint8Array),
    most,
  );
}

const TEST = '{ inputs: test_inputs.npy, labels: test_labels.npy }';
const CHECKPOINTS = 'checkpoints';

async function inFolders({ folder, models }: LinearPool, shards: boolean): Promise<void> {
  for (const model of models) {
    const own = join(folder, CHECKPOINTS, model.id);
    mkdirSync(own, { recursive: true });
    await writeShards(join(own, 'model.safetensors'), layers(model), shards ? 100 : 1000);
  }
}

async function prefixed({ folder, models }: LinearPool, prefix: string): Promise<void> {
  for (const model of models) {
    const tensors = layers(model).map((tensor) => ({ ...tensor, name: `${prefix}${tensor.name}` }));
    await writeModel(join(folder, 'models', `${model.id}.safetensors`), tensors);
  }
}

const oneHot = ({ labels }: LinearSplit) =>
  Uint8Array.from({ length: labels.length * CLASSES }, (_, at) =>
    labels[Math.floor(at / CLASSES)] === at % CLASSES ? 1 : 0,
  );

function archive(path: string, { inputs, labels }: LinearSplit, deflated: boolean): void {
  const entries = [
    { name: 'x.npy', bytes: npy('<f4', [labels.length, FEATURES], inputs), deflated },
    { name: 'y.npy', bytes: npy('|u1', [labels.length, CLASSES], oneHot({ inputs, labels })), deflated },
  ];
  writeFileSync(path, zip(entries));
}

describe.concurrent('the same pool gives the same soup and scores', () => {
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
    const { scores, soup, stderr } = await search(pool.folder);
    const expected = await ordinary;
    expect(scores).toEqual(expected.scores);
    expect(Buffer.compare(soup, expected.soup)).toBe(0);
    expect(stderr).toBe('');
  });

  it('with parts and archives named by flags', async () => {
    const pool = await linearPool();
    await writeParts(pool);
    archive(join(pool.folder, 'val.npz'), pool.validation, true);
    const parts = ['part-0.npy', 'part-1.npy', 'part-2.npy'].flatMap((part) => ['--val-inputs', part]);
    const { scores } = await search(pool.folder, [...parts, '--val-labels', 'val.npz:y']);
    expect(scores).toEqual((await ordinary).scores);
  });

  it.each<[string, string, Record<string, string>, readonly string[]]>([
    ['a prefix that is found', 'module.', {}, []],
    ['a prefix that radin.yaml names', 'module.', { rename: "{ 'module.': '' }" }, []],
    ['names that flags map', 'x_', {}, ['--rename', 'x_weight=weight', '--rename', 'x_bias=bias']],
  ])('with tensors of other names: %s', async (_, prefix, entries, flags) => {
    const pool = await linearPool();
    await prefixed(pool, prefix);
    writeConfig(pool.folder, { test: TEST, ...entries });
    const { scores, soup, stderr } = await search(pool.folder, flags);
    const expected = await ordinary;
    expect(scores).toEqual(expected.scores);
    const isFound = prefix === 'module.' && entries.rename === undefined;
    expect(stderr).toMatch(isFound ? /^radin: note: .*with the prefix "module\.": .*\n$/ : /^$/);
    const path = join(pool.folder, 'soup.safetensors');
    writeFileSync(path, soup);
    const file = await openSafetensors(path);
    expect(file.tensors.map(({ name }) => name)).toEqual([`${prefix}weight`, `${prefix}bias`]);
    await file.close();
    expect(Buffer.compare(soup.subarray(-112), expected.soup.subarray(-112))).toBe(0);
  });
});

/** A file and a folder that a pattern of models also matches: a file among them, so that folders without a model are left out. */
async function otherThings(pool: LinearPool): Promise<void> {
  await inFolders(pool, true);
  const { folder } = pool;
  mkdirSync(join(folder, CHECKPOINTS, 'logs'));
  renameSync(join(folder, CHECKPOINTS, 'd'), join(folder, 'd'));
  await writeModel(join(folder, CHECKPOINTS, 'd.safetensors'), layers(pool.models[3] as LinearModel));
}

async function writeParts({ folder, validation }: LinearPool): Promise<void> {
  const bounds = [0, 40, 41, 150];
  for (const [part, begin] of bounds.slice(0, -1).entries()) {
    const rows = validation.inputs.subarray(begin * FEATURES, (bounds[part + 1] as number) * FEATURES);
    await writeNpy(
      join(folder, `part-${part}.npy`),
      'F32',
      [rows.length / FEATURES, FEATURES],
      new Uint8Array(rows.slice().buffer),
    );
  }
}

describe.concurrent('soups in shards', () => {
  it('are written by search and compare, and evaluate, inspect and average read them', async () => {
    const pool = await linearPool();
    const { folder } = pool;
    const out = join(newFolder(), 'out');
    const { report } = await search(folder, ['--max-shard-size', '100B', '--out', out]);
    const index = join(out, 'soup.safetensors.index.json');
    const evaluated = await radinJson<{ model: string; score: number }>(['evaluate', '.', index], folder);
    expect(evaluated).toMatchObject({ model: 'soup', score: report.best.valScore });
    const inspected = await radinJson<{ format: string; tensors: { name: string }[] }>(['inspect', index], folder);
    expect(inspected.tensors.map(({ name }) => name)).toEqual(['weight', 'bias']);
    const soup = newFolder();
    await radinJson(['average', index, '--out', join(soup, 'whole.safetensors')], folder);
    expect(readFileSync(join(soup, 'whole.safetensors')).subarray(-112)).toEqual((await ordinary).soup.subarray(-112));
    const compared = await runRadin(
      ['compare', '.', '--budgets', '1', '--no-report', '--out', soup, '--max-shard-size', '100B'],
      folder,
    );
    expect(compared.stdout).toContain(join(soup, 'soup.safetensors.index.json'));
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

describe.concurrent('inspect', () => {
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

describe.concurrent('search refuses', () => {
  const config = (entries: Record<string, string>) => (pool: LinearPool) => writeConfig(pool.folder, entries);
  const models = `'${CHECKPOINTS}/*'`;
  it.each<[string, Spoil, RegExp]>([
    [
      'a folder without a model',
      async (pool) => {
        await inFolders(pool, true);
        mkdirSync(join(pool.folder, CHECKPOINTS, 'e'));
        writeConfig(pool.folder, { models });
      },
      /a model \(model\.safetensors or model\.safetensors\.index\.json\) in the folder checkpoints\/e but found none/,
    ],
    [
      'a folder with two models',
      async (pool) => {
        await inFolders(pool, true);
        await writeModel(
          join(pool.folder, CHECKPOINTS, 'b', 'model.safetensors'),
          layers(pool.models[1] as LinearModel),
        );
        writeConfig(pool.folder, { models });
      },
      /one model in the folder checkpoints\/b but found/,
    ],
    [
      'an index that leads out of its folder',
      async (pool) => {
        await inFolders(pool, true);
        const text = '{"weight_map": {"weight": "../a/model-00001-of-00002.safetensors"}}';
        writeFileSync(join(pool.folder, CHECKPOINTS, 'b', 'model.safetensors.index.json'), text);
        writeConfig(pool.folder, { models });
      },
      /in the same folder but found "\.\.\/a\/model-00001-of-00002\.safetensors" in checkpoints\/b/,
    ],
    [
      'a shard that is a link out of its folder',
      async (pool) => {
        await inFolders(pool, true);
        const shard = join(pool.folder, CHECKPOINTS, 'c', 'model-00001-of-00002.safetensors');
        renameSync(shard, join(pool.folder, 'moved.safetensors'));
        symlinkSync('../../moved.safetensors', shard);
        writeConfig(pool.folder, { models });
      },
      /a link out of it: checkpoints\/c\/model-00001/,
    ],
    ['a rename of nothing', config({ rename: "{ 'modul.': '' }" }), /begins with "modul\.".* found none/],
    ['a rename that is no text', config({ rename: '{ a: 1 }' }), /"rename\.a" to be valid .* radin\.yaml:4:11/],
    [
      'an archive of several arrays without a name',
      (pool) => {
        archive(join(pool.folder, 'val.npz'), pool.validation, true);
        writeConfig(pool.folder, { validation: '{ inputs: val.npz, labels: val_labels.npy }' });
      },
      /one array, or its name as in val\.npz:NAME, but found "x", "y"/,
    ],
    [
      'parts whose order their names do not tell',
      async (pool) => {
        await writeParts(pool);
        renameSync(join(pool.folder, 'part-0.npy'), join(pool.folder, 'part-10.npy'));
        writeConfig(pool.folder, { validation: "{ inputs: 'part-*.npy', labels: val_labels.npy }" });
      },
      /one order by letters and by numbers but found "part-10\.npy" and "part-2\.npy"|"part-1\.npy" and "part-10/,
    ],
    [
      'one-hot labels of another number of classes',
      async (pool) => {
        await writeNpy(
          join(pool.folder, 'val_labels.npy'),
          'U8',
          [150, 2],
          Uint8Array.from({ length: 300 }, (_, at) => at % 2),
        );
      },
      /one-hot labels of 4 classes but found 2 in val_labels\.npy/,
    ],
  ])('%s', async (_, spoil, message) => {
    expect(await refusal(['search', '.', '--out', 'out'], spoil)).toMatch(message);
  });

  it('shards of no size, and names of soups that do not end in .safetensors', async () => {
    expect(await refusal(['search', '.', '--max-shard-size', '0'])).toMatch(/a size above 0/);
    const args = ['average', 'models/a.safetensors', '--out', 'soup.bin', '--max-shard-size', '1GB'];
    expect(await refusal(args)).toMatch(/to end in \.safetensors but found soup\.bin/);
  });
});
