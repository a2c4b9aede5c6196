import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { describe, expect, test } from 'vitest';
import { floatValues, openLoraAdapter, writeFloats } from '../../src/formats/index.js';
import { writeAdapterFolder } from '../../src/huggingface/index.js';
import { Mixture, Soup } from '../../src/mixture/index.js';
import { closeCheckpoints, FileCheckpoint, modelId, openCheckpoints, Pool } from '../../src/pool/index.js';
import { f32, refused, type TensorData, temporaryFolder, writeModel } from '../files.js';
import { python, runPython } from '../formats/scratch.js';
import { ORACLE, random, writeAdapter } from './adapter-files.js';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'f'));
const FACTS = { method: 'test', version: '1.2.3', scores: [] };

/** A base model of every kind of layer that an adapter may change. */
const BASE: Readonly<Record<string, TensorData>> = {
  'enc.q.weight': random([3, 5]),
  'enc.v.weight': random([4, 3]),
  'enc.conv.weight': random([4, 3, 2, 2]),
  'enc.emb.weight': random([7, 3]),
  'enc.half.weight': random([3, 5], 'F16'),
  'enc.norm.weight': random([3]),
  'head.weight': random([2, 3]),
};

const LINEAR = (out: number, into: number, rank = 2) => ({ A: random([rank, into]), B: random([out, rank]) });

/** Factors by the module's name, as PEFT names them. */
function factors(modules: Readonly<Record<string, { A: TensorData; B: TensorData }>>): Record<string, TensorData> {
  return Object.fromEntries(
    Object.entries(modules).flatMap(([module, { A, B }]) => {
      const name = (factor: string) =>
        module === 'enc.emb' ? `${module}.lora_embedding_${factor}` : `${module}.lora_${factor}.weight`;
      return [
        [name('A'), A],
        [name('B'), B],
      ];
    }),
  );
}

const base = writeModel(join(newFolder(), 'base.safetensors'), BASE);

const adapters = Promise.all([
  writeAdapter(
    join(newFolder(), 'a'),
    {
      ...factors({
        'enc.q': LINEAR(3, 5),
        'enc.conv': { A: random([2, 3, 2, 2]), B: random([4, 2, 1, 1]) },
        'enc.emb': { A: random([2, 7]), B: random([3, 2]) },
        'enc.half': LINEAR(3, 5),
      }),
      'head.weight': random([2, 3]),
    },
    { modules_to_save: ['head'], target_modules: ['q', 'half', 'conv', 'emb'] },
  ),
  writeAdapter(
    join(newFolder(), 'b'),
    {
      ...factors({ 'enc.q': LINEAR(3, 5, 3), 'enc.v': LINEAR(4, 3), 'enc.half': LINEAR(3, 5) }),
      'head.weight': random([2, 3]),
    },
    { use_rslora: true, rank_pattern: { q: 3 }, alpha_pattern: { 'enc.v': 0.5 }, target_modules: ['q', 'v', 'half'] },
  ),
]);

/** What NumPy computes: base + Σ p s B A. */
function oracle(basePath: string, parts: readonly (readonly [path: string, weight: number])[]) {
  const args = parts.flatMap(([path, weight]) => [join(path, '..'), String(weight)]);
  const found = JSON.parse(runPython(ORACLE, basePath, ...args)) as Record<string, string>;
  return new Map(
    Object.entries(found).map(([name, text]) => [name, floatValues(Buffer.from(text, 'base64'), 'F64')] as const),
  );
}

async function bytesOf(model: Pick<FileCheckpoint, 'tensors' | 'read'>): Promise<Map<string, [string, Uint8Array]>> {
  const found = new Map<string, [string, Uint8Array]>();
  for (const { name, dtype, byteLength } of model.tensors) {
    const bytes = new Uint8Array(byteLength);
    await model.read(name, bytes);
    found.set(name, [dtype, bytes]);
  }
  return found;
}

describe.runIf(python)('an adapter with its base model is W + s·B·A', () => {
  test('to the bit, of linear, convolutional and embedding layers, half precision and whole tensors', async () => {
    for (const path of await adapters) {
      const model = await FileCheckpoint.open('m', path, { base: await base });
      const expected = oracle(await base, [[path, 1]]);
      const found = await bytesOf(model);
      await model.close();
      expect([...found.keys()].sort()).toEqual(Object.keys(BASE).sort());
      for (const [name, [dtype, bytes]] of found) {
        expect(dtype).toBe(BASE[name]?.dtype);
        const rounded = new Uint8Array(bytes.length);
        writeFloats(expected.get(name) as Float64Array, dtype as 'F32', rounded);
        expect(Buffer.compare(bytes, rounded), name).toBe(0);
      }
    }
  });

  test('of weights that are stored transposed, read in parts', async () => {
    const path = await writeAdapter(join(newFolder(), 't'), factors({ 'enc.q': LINEAR(5, 3) }), {
      fan_in_fan_out: true,
    });
    const model = await FileCheckpoint.open('m', path, { base: await base });
    const values = oracle(await base, [[path, 1]]).get('enc.q.weight') as Float64Array;
    const expected = new Uint8Array(60);
    writeFloats(values, 'F32', expected);
    for (let at = 0; at < 60; at += 20) {
      const part = new Uint8Array(20);
      await model.read('enc.q.weight', part, at);
      expect(part).toEqual(expected.slice(at, at + 20));
    }
    await model.close();
  });
});

describe.runIf(python)('a soup of adapters averages the products', () => {
  const WEIGHTS = [0.25, 0.75];

  test('in the pool, and as one adapter of all factors side by side', async () => {
    const paths = await adapters;
    const parts = paths.map((path, at) => [path, WEIGHTS[at] as number] as const);
    const expected = oracle(await base, parts);
    const checkpoints = await openCheckpoints(paths, { base: await base });
    const soup = new Soup(new Pool(checkpoints), Mixture.of(WEIGHTS), openBackend('reference'));
    const folder = join(newFolder(), 'soup');
    const opened = await Promise.all(paths.map(openLoraAdapter));
    const written = await writeAdapterFolder(folder, opened, Mixture.of(WEIGHTS), FACTS);
    await Promise.all(opened.map((adapter) => adapter.close()));
    const one = await FileCheckpoint.open('soup', written.path, { base: await base });
    for (const [name, [dtype, bytes]] of await bytesOf(soup)) {
      const rounded = new Uint8Array(bytes.length);
      writeFloats(expected.get(name) as Float64Array, dtype as 'F32', rounded);
      expect(Buffer.compare(bytes, rounded), name).toBe(0);
    }
    for (const found of [await bytesOf(one)]) {
      for (const [name, [dtype, bytes]] of found) {
        const values = floatValues(bytes, dtype as 'F32');
        const ulp = dtype === 'F16' ? 2 ** -10 : 2 ** -23;
        for (const [at, value] of (expected.get(name) as Float64Array).entries()) {
          expect(Math.abs((values[at] as number) - value), name).toBeLessThanOrEqual(
            4 * ulp * Math.max(1, Math.abs(value)),
          );
        }
      }
    }
    await closeCheckpoints([...checkpoints, one]);
    // PEFT reads ranks by modules; another tool that knows r and lora_alpha alone would too, where all ranks are one.
    const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({
      peft_type: 'LORA',
      base_model_name_or_path: 'org/base',
      r: 2,
      lora_alpha: 2,
      rank_pattern: { 'enc.half': 4, 'enc.q': 5 },
      alpha_pattern: { 'enc.half': 4, 'enc.q': 5 },
      target_modules: ['enc.conv', 'enc.emb', 'enc.half', 'enc.q', 'enc.v'],
      modules_to_save: ['head'],
      use_rslora: false,
      lora_dropout: 0.1,
    });
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(
      /^---\nbase_model:\n- "org\/base"\nlibrary_name: "peft"/,
    );
  });
});

describe('of a tensor that one adapter holds whole and another lacks', () => {
  const save = async (base?: string) => {
    const [whole] = await adapters;
    const without = await writeAdapter(join(newFolder(), 'without'), factors({ 'enc.q': LINEAR(3, 5) }));
    const opened = await Promise.all([whole as string, without].map(openLoraAdapter));
    try {
      const options = base === undefined ? {} : { base };
      return await writeAdapterFolder(join(newFolder(), 'soup'), opened, Mixture.of([0.25, 0.75]), FACTS, options);
    } finally {
      await Promise.all(opened.map((adapter) => adapter.close()));
    }
  };
  const valuesOf = async (path: string, options: { base?: string } = {}) => {
    const model = await FileCheckpoint.open('m', path, options);
    const values = floatValues(((await bytesOf(model)).get('head.weight') as [string, Uint8Array])[1], 'F32');
    await model.close();
    return values;
  };

  test('the adapter of the soup has the average with the base model’s', async () => {
    const written = await save(await base);
    const [own, shared] = [
      await valuesOf((await adapters)[0] as string, { base: await base }),
      await valuesOf(await base),
    ];
    const found = await valuesOf(written.path, { base: await base });
    expect(found).toEqual(own.map((value, at) => Math.fround(0.25 * value + 0.75 * (shared[at] as number))));
  });

  test('is refused where no base model is known', async () => {
    await expect(save()).rejects.toEqual(
      refused('POOL', /"head\.weight" of shape \[2, 3\].* found none in .*without.*--base\) is not known/),
    );
  });
});

describe('an adapter is refused that', () => {
  const q = factors({ 'enc.q': LINEAR(3, 5) });
  test.each<[string, Record<string, TensorData>, Record<string, unknown>, RegExp]>([
    ['is of another kind', q, { peft_type: 'IA3' }, /peft_type LORA\) but found "IA3" in .*adapter_config\.json/],
    ['is DoRA', q, { use_dora: true }, /W \+ s·B·A but found use_dora: true \(DoRA/],
    ['has trained biases', q, { bias: 'all' }, /bias: "all"/],
    ['changed its base model', q, { init_lora_weights: 'pissa_niter_4' }, /init_lora_weights: "pissa_niter_4"/],
    ['has a rank of another number', q, { r: 4 }, /the rank 4 that .* says but found 2 in .*module "enc\.q"/],
    ['has no rank', q, { r: 0 }, /r to be an integer above 0 but found 0/],
    ['has patterns that are expressions', q, { rank_pattern: { '(a+)+$': 2 } }, /the expression "\(a\+\)\+\$"/],
    ['lacks a factor', { 'enc.q.lora_A.weight': random([2, 5]) }, {}, /both factors A and B but found only A/],
    ['has factors of other ranks', factors({ 'enc.q': { A: random([2, 5]), B: random([3, 3]) } }), {}, /\[rank, in\]/],
    ['has magnitudes', { ...q, 'enc.q.lora_magnitude_vector': random([3]) }, {}, /lora_A and lora_B only/],
    [
      'has infinite factors',
      factors({ 'enc.q': { A: f32([2, 5], Array(10).fill(Infinity)), B: random([3, 2]) } }),
      {},
      /finite/,
    ],
    [
      'changes what is not there',
      factors({ x: LINEAR(3, 5) }),
      {},
      /a tensor "x\.weight" in the base model .* found none/,
    ],
    [
      'has another shape',
      factors({ 'enc.q': LINEAR(3, 6) }),
      {},
      /"enc\.q\.weight" of shape \[3, 6\].* found \[3, 5\]/,
    ],
  ])('%s', async (_, tensors, config, message) => {
    const path = await writeAdapter(join(newFolder(), 'x'), tensors, config);
    const opening = FileCheckpoint.open('x', path, { base: await base }).then(async (model) => {
      await bytesOf(model).finally(() => model.close());
    });
    await expect(opening).rejects.toEqual(
      expect.objectContaining({ name: 'RadinError', message: expect.stringMatching(message) }),
    );
  });

  test('has no base model', async () => {
    const [path] = (await adapters) as [string, string];
    expect(modelId(path)).toBe('a');
    await expect(openCheckpoints([path])).rejects.toEqual(
      refused('CONFIG', /base: FILE in radin\.yaml, or --base FILE/),
    );
  });
});
