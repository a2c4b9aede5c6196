import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  accuracy,
  backendNamed,
  closeCheckpoints,
  contentSha256,
  FileCheckpoint,
  Mixture,
  openCheckpoints,
  Pool,
  Problem,
  type SearchReport,
  Soup,
} from '@radin/core';
import { describe, expect, it } from 'vitest';
import { prepareSoup, writeSoupFiles } from '../src/output/soup-output.js';
import { resolvePool } from '../src/pool/pool-files.js';
import { CHECKPOINTS, found, inFolders, WEIGHTS } from './pool-forms.js';
import {
  CLASSES,
  FEATURES,
  float32,
  type LinearPool,
  layers,
  linearPool,
  modelPath,
  writeConfig,
  writeModel,
} from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

const TEST = '{ inputs: test_inputs.npy, labels: test_labels.npy }';
const FACTS = { method: 'test', version: '1', scores: [] };

/** A pool of models as transformers keeps them; that of b says other things than the others. */
async function modelFolders(): Promise<LinearPool> {
  const pool = await linearPool();
  await inFolders(pool, false);
  for (const { id } of pool.models) {
    const write = (name: string, text: string) => writeFileSync(join(pool.folder, CHECKPOINTS, id, name), text);
    const config = { architectures: ['Linear'], hidden_size: id === 'b' ? 7 : 6, _name_or_path: id };
    write('config.json', JSON.stringify({ ...config, transformers_version: '4.40.0' }));
    write('tokenizer.json', id === 'b' ? '{"b": 1}' : '{}');
    write('preprocessor_config.json', '{"size": 0.5}');
    write('training_args.bin', 'not to be copied');
    write('README.md', `---\nlicense: apache-2.0\npipeline_tag: ${id === 'b' ? 'x' : 'y'}\n---\n`);
  }
  writeConfig(pool.folder, { models: `'${CHECKPOINTS}/*'`, test: TEST });
  return pool;
}

async function contentOf(path: string): Promise<string> {
  const model = await FileCheckpoint.open('m', path);
  return contentSha256(model).finally(() => model.close());
}

describe.concurrent('a soup of model folders', () => {
  it('is a model folder, with a card of what is known', async () => {
    const { folder } = await modelFolders();
    const args = ['search', folder, '--budget', '2', '--strategy', 'radin', '--out', 'out', '--no-report'];
    const { code, stderr } = await runRadin(args, folder);
    expect(code).toBe(0);
    expect(stderr).toMatch(/note: config\.json of b differs from that of a in "hidden_size": a soup has the first/);
    const report = JSON.parse(readFileSync(join(folder, 'out', 'result.json'), 'utf8')) as SearchReport;
    expect(report.soupFile).toBe(join('soup', 'model.safetensors'));
    expect(readdirSync(join(folder, 'out')).sort()).toEqual([
      'journal.jsonl',
      'radin.lock.json',
      'result.json',
      'soup',
    ]);
    const soup = join(folder, 'out', 'soup');
    const names = ['README.md', 'config.json', 'model.safetensors', 'preprocessor_config.json', 'tokenizer.json'];
    expect(readdirSync(soup).sort()).toEqual(names);
    for (const named of ['out', soup]) {
      expect(await radinJson(['verify', named, '--scores'], folder)).toMatchObject({ verified: true, files: 6 });
    }
    const { models, weights, valScore, testScore } = report.best;
    const first = join(folder, CHECKPOINTS, models[0] as string);
    expect(readFileSync(join(soup, 'config.json'))).toEqual(readFileSync(join(first, 'config.json')));
    const model = await FileCheckpoint.open('soup', join(soup, 'model.safetensors'));
    expect([...(model.metadata ?? [])].sort()).toMatchObject([
      ['format', 'pt'],
      ['radin', expect.stringContaining(JSON.stringify({ models, weights }).slice(1, -1))],
    ]);
    await model.close();
    const plain = await openCheckpoints(models.map((id) => join(folder, 'models', `${id}.safetensors`)));
    const averaged = new Soup(new Pool(plain), Mixture.of(weights), backendNamed('auto'));
    expect(await contentOf(join(soup, 'model.safetensors'))).toBe(await contentSha256(averaged));
    await closeCheckpoints(plain);
    const card = readFileSync(join(soup, 'README.md'), 'utf8');
    const [, front = '', text = ''] = card.split(/^---$/m);
    expect(front.split('\n')).toEqual(expect.arrayContaining(['base_model:', ...models.map((id) => `- "${id}"`)]));
    expect(front).toContain('license: "apache-2.0"\n');
    expect(front).toContain('library_name: "transformers"\n');
    expect(front).toContain('tags:\n- "merge"\n- "model-soup"\n');
    expect(front.includes('pipeline_tag')).toBe(!models.includes('b'));
    const percent = (score = 0) => (100 * score).toFixed(2);
    expect(text).toContain(`| validation | 150 | accuracy | ${percent(valScore)}`);
    expect(text).toContain(`| test | 100 | accuracy | ${percent(testScore)}`);
  });

  it('replaces an earlier soup and nothing else', async () => {
    const { folder } = await modelFolders();
    const { files } = await resolvePool(folder, {});
    const problem = await Problem.open(files, { metric: accuracy, backend: 'auto', threads: 1 });
    try {
      const out = newFolder();
      const write = async (mixture: Mixture, maxShardBytes?: number) => {
        await prepareSoup(problem.pool, out);
        const options = { signal: new AbortController().signal, ...(maxShardBytes && { maxShardBytes }) };
        return writeSoupFiles(out, problem, mixture, FACTS, options);
      };
      const { notices } = await write(Mixture.uniform(4, [0, 1]));
      expect(notices).toEqual(['the ingredients\' "tokenizer.json" differ: the soup has those of a']);
      const { entries } = await write(Mixture.uniform(4, [0, 2]), 100);
      expect(entries.soupFile).toBe(join('soup', 'model.safetensors.index.json'));
      expect(existsSync(join(out, 'soup', 'model.safetensors'))).toBe(false);
      writeFileSync(join(out, 'soup', 'notes.txt'), 'mine');
      await expect(write(Mixture.uniform(4, [0]))).rejects.toThrow(/an earlier soup alone, but found "notes\.txt"/);
      expect(readdirSync(out)).toEqual(['soup']);
      const among = prepareSoup(problem.pool, join(folder, CHECKPOINTS));
      await expect(among).rejects.toThrow(/^Expected --out to be another folder than that of the models' folders/);
    } finally {
      await problem.dispose();
    }
  });
});

const RANK = 2;

interface AdapterPool extends LinearPool {
  /** The weights of each model, before they are rounded to float32. */
  readonly exact: readonly (readonly number[])[];
}

/** A pool of adapters of one base model, and the same models merged by a loop of its own, as files. */
async function adapterPool(): Promise<AdapterPool> {
  const pool = await linearPool();
  const exact: number[][] = [];
  const [{ weight: base, bias }] = pool.models as [LinearPool['models'][number]];
  await writeModel(join(pool.folder, 'base.safetensors'), [
    float32('fc.weight', [FEATURES, CLASSES], base),
    float32('fc.bias', [CLASSES], bias),
  ]);
  for (const { id, weight } of pool.models) {
    // A: the first rows of the model, B: those of its bias, so that products are of the size of weights.
    const a = weight.slice(0, RANK * FEATURES);
    const b = weight.slice(FEATURES, FEATURES + CLASSES * RANK);
    const merged = Array.from(base, (value, at) => {
      const [input, output] = [Math.floor(at / CLASSES), at % CLASSES];
      let sum = 0;
      for (let k = 0; k < RANK; k++) sum += (b[output * RANK + k] as number) * (a[k * FEATURES + input] as number);
      return value + 0.25 * sum;
    });
    await writeModel(modelPath(pool, id), layers({ id, weight: Float32Array.from(merged), bias }));
    exact.push(merged);
    const folder = join(pool.folder, 'adapters', id);
    await writeModel(join(folder, 'adapter_model.safetensors'), [
      float32('base_model.model.fc.lora_A.weight', [RANK, FEATURES], a),
      float32('base_model.model.fc.lora_B.weight', [CLASSES, RANK], b),
    ]);
    const config = { peft_type: 'LORA', r: RANK, lora_alpha: 0.5, fan_in_fan_out: true, target_modules: ['fc'] };
    writeFileSync(
      join(folder, 'adapter_config.json'),
      JSON.stringify({ ...config, base_model_name_or_path: 'org/base' }),
    );
  }
  return { ...pool, exact };
}

/** Bias and weights at the end of a soup's file. */
function floats(soup: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(soup.subarray(-4 * CLASSES * (FEATURES + 1))).buffer);
}

describe.concurrent('a pool of adapters', () => {
  it('has the scores and the soup of the models that they make of their base', async () => {
    const { folder, exact } = await adapterPool();
    const merged = await found(folder);
    writeConfig(folder, { models: "'adapters/*'", base: 'base.safetensors', test: TEST });
    const { soup, notices, ...scores } = await found(folder);
    const { soup: expected, notices: none, ...same } = merged;
    expect(scores).toEqual(same);
    expect(none).toEqual([]);
    expect(notices).toEqual([expect.stringMatching(/with the prefix "fc\."/)]);
    // Merged files hold models that are rounded to float32; adapters are averaged before the one rounding.
    expect(floats(expected).subarray(0, CLASSES)).toEqual(floats(soup).subarray(0, CLASSES));
    const average = (at: number) => WEIGHTS.reduce((sum, weight, k) => sum + weight * (exact[k]?.[at] as number), 0);
    expect(floats(soup).subarray(CLASSES)).toEqual(new Float32Array(CLASSES * FEATURES).map((_, at) => average(at)));
  });

  it('gives a model and an adapter that is the same', async () => {
    const { folder } = await adapterPool();
    writeConfig(folder, { models: "'adapters/*'", base: 'base.safetensors' });
    const args = ['search', folder, '--budget', '2', '--strategy', 'radin', '--out', 'out', '--no-report'];
    const report = await radinJson<SearchReport>(args, folder);
    expect(report.adapterFolder).toBe('soup-adapter');
    const adapters = report.best.models.map((id) => join('adapters', id));
    await radinJson(['average', ...adapters, '--out', 'alone'], folder);
    const read = (path: string) => {
      const bytes = readFileSync(join(folder, path, 'adapter_model.safetensors'));
      return bytes.subarray(8 + Number(bytes.readBigUInt64LE()));
    };
    expect(read('alone')).toEqual(read(join('out', 'soup-adapter')));
    expect(await radinJson(['verify', 'alone'], folder)).toMatchObject({ verified: true, tensors: 2, files: 3 });
    expect(await radinJson(['verify', 'out', '--scores'], folder)).toMatchObject({ verified: true, tensors: 4 });
    const base = join(folder, 'base.safetensors');
    const one = await FileCheckpoint.open('m', join(folder, 'alone', 'adapter_model.safetensors'), { base });
    const soup = await FileCheckpoint.open('m', join(folder, 'out', 'soup.safetensors'));
    const values = async (model: FileCheckpoint) => {
      const bytes = new Uint8Array(4 * FEATURES * CLASSES);
      await model.read('fc.weight', bytes).finally(() => model.close());
      return new Float32Array(bytes.buffer);
    };
    const [first, second] = [await values(one), await values(soup)];
    for (const [at, value] of first.entries()) expect(value).toBeCloseTo(second[at] as number, 6);
  });

  it('without its base model is refused with what to say', async () => {
    const { folder } = await adapterPool();
    writeConfig(folder, { models: "'adapters/*'" });
    const { files } = await resolvePool(folder, {});
    const opening = Problem.open(files, { metric: accuracy, backend: 'auto' });
    await expect(opening).rejects.toThrow(/^Expected the model that adapters change \(base: FILE in radin\.yaml/);
    mkdirSync(join(folder, 'adapters', 'none'));
    await expect(resolvePool(folder, {})).rejects.toThrow(/a model \(model\.safetensors/);
    expect(dirname(files.models[0] as string)).toBe(join(folder, 'adapters', 'a'));
  });
});
