import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { floatValues, writeFloats, writeNpy } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { linearGraph } from './linear-graph.js';
import {
  CLASSES,
  FEATURES,
  float32,
  layers,
  linearPool,
  modelPath,
  type TensorSpec,
  writeConfig,
  writeModel,
} from './pools.js';
import { radinJson, runRadinHere } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

/** Ways to run the same thing: the slow oracle alone, and every set of kernels that this machine may have, with other threads. */
const WAYS = [
  ['--backend', 'reference', '--threads', '1'],
  ['--backend', 'cpu-portable', '--threads', '7', '--no-cache'],
  ['--backend', 'cpu', '--threads', '2', '--max-memory', '600MB'],
] as const;

let folder: string;
beforeAll(async () => {
  ({ folder } = await linearPool({ models: 7 }));
  // Every model's mean probability of the truth: a number that no count gives.
  const score = `({ logits, samples, classes, labels }) => {
    let sum = 0;
    for (let m = 0; m < samples; m++) {
      const row = logits.subarray(m * classes, (m + 1) * classes);
      const exps = Array.from(row, (logit) => Math.exp(logit));
      sum += exps[labels[m]] / exps.reduce((a, b) => a + b, 0);
    }
    return sum / samples;
  }`;
  const metric = `export default { name: 'mean-probability', higherIsBetter: true, score: ${score} };\n`;
  writeFileSync(join(folder, 'own.mjs'), metric);
});

/** All that a command leaves in a folder, each file as text, but for the journal, which says when and how the run was made. */
async function leaves(pool: string, args: readonly string[], here = newFolder()): Promise<Record<string, string>> {
  const [command, ...options] = args;
  const { code, stderr } = await runRadinHere([command as string, pool, ...options, '--out', 'out'], here);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
  return Object.fromEntries(
    listing(join(here, 'out'))
      .filter((name) => name !== 'journal.jsonl')
      .map((name) => [name, readFileSync(join(here, 'out', name), 'latin1')]),
  );
}

async function expectSameBytes(pool: string, args: readonly string[]): Promise<void> {
  const [first, ...others] = WAYS;
  const expected = await leaves(pool, [...args, ...first]);
  for (const way of others) {
    const found = await leaves(pool, [...args, ...way]);
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    for (const [name, text] of Object.entries(found)) expect(text === expected[name], `${name} ${way}`).toBe(true);
  }
}

describe('the files of a run are the same bytes on every backend, for any number of threads, within any memory', () => {
  it.each([
    ['adaptive', '--versus-greedy --holdout 0.2'],
    ['without a race', '--racing off --budget 2'],
    ['the paper’s', '--strategy radin --lambda 1'],
    ['a statistical race', '--strategy radin --racing statistical'],
    ['samplers', '--strategy radin --sampler exhaustive,genetic,beam,swaps,small-sets,top-k,forward,backward'],
    ['weights', '--strategy radin --sampler convex,with-replacement,branch-and-bound'],
    ['cross-entropy', '--metric cross-entropy'],
    ['macro-F1', '--metric macro-f1 --strategy radin'],
    ['AUROC', '--metric auroc --budget 2'],
    ['a metric of the user’s', '--metric OWN --budget 2'],
    ['explained', '--explain --batch 16'],
  ])('of a search: %s', async (_, options) => {
    const args = options.split(' ').map((word) => (word === 'OWN' ? join(folder, 'own.mjs') : word));
    await expectSameBytes(folder, ['search', '--budget', '3', '--candidates', '12', ...args]);
  });

  it('of a comparison', async () => {
    await expectSameBytes(folder, ['compare', '--budgets', '1,3', '--candidates', '8']);
  });

  it.each(['BF16', 'F16'] as const)('of models in %s', async (dtype) => {
    const pool = await linearPool();
    const as = ({ bytes, ...tensor }: TensorSpec): TensorSpec => {
      const narrow = new Uint8Array(bytes.length / 2);
      writeFloats(floatValues(bytes, 'F32'), dtype, narrow);
      return { ...tensor, dtype, bytes: narrow };
    };
    for (const model of pool.models) await writeModel(modelPath(pool, model.id), layers(model).map(as));
    await expectSameBytes(pool.folder, ['search', '--budget', '2', '--no-report']);
  });

  it('of models and a graph in float64', async () => {
    const pool = await linearPool();
    const wide = ({ bytes, ...tensor }: TensorSpec): TensorSpec => {
      // With bits that float32 has no room for.
      const values = Float64Array.from(floatValues(bytes, 'F32'), (value) => value + value / 3e8);
      return { ...tensor, dtype: 'F64', bytes: new Uint8Array(values.buffer) };
    };
    for (const model of pool.models) await writeModel(modelPath(pool, model.id), layers(model).map(wide));
    const graph = linearGraph({ features: FEATURES, classes: CLASSES, dtype: 'F64' });
    writeFileSync(join(pool.folder, 'model.onnx'), graph);
    await expectSameBytes(pool.folder, ['search', '--budget', '2', '--no-report', '--metric', 'cross-entropy']);
  });

  it('of models with BatchNorm, whose statistics are estimated anew', async () => {
    const pool = await linearPool();
    for (const [index, model] of pool.models.entries()) {
      const statistics = ['gamma', 'beta', 'mean', 'variance'].map((name, at) =>
        float32(name, [CLASSES], new Float32Array(CLASSES).fill(1 + at / 3 + index / 7)),
      );
      await writeModel(modelPath(pool, model.id), [...layers(model), ...statistics]);
    }
    const graph = linearGraph({ features: FEATURES, classes: CLASSES, normalised: true });
    writeFileSync(join(pool.folder, 'model.onnx'), graph);
    const estimated = ['--bn-inputs', join(pool.folder, 'test_inputs.npy'), '--metric', 'cross-entropy'];
    await expectSameBytes(pool.folder, ['search', '--budget', '2', '--no-report', ...estimated]);
  });

  it.each([
    ['regression', 'F32', (values: Float32Array) => new Uint8Array(values.buffer)],
    ['multi-label', 'U8', (values: Float32Array) => Uint8Array.from(values, (value) => (value > 0 ? 1 : 0))],
  ] as const)('of %s', async (task, dtype, bytesOf) => {
    const pool = await linearPool();
    for (const [name, { inputs }] of [
      ['val', pool.validation],
      ['test', pool.test],
    ] as const) {
      const samples = inputs.length / FEATURES;
      // The first features of each sample.
      const targets = inputs.filter((_, at) => at % FEATURES < CLASSES);
      await writeNpy(join(pool.folder, `${name}_labels.npy`), dtype, [samples, CLASSES], bytesOf(targets));
    }
    writeConfig(pool.folder, { task, test: '{ inputs: test_inputs.npy, labels: test_labels.npy }' });
    await expectSameBytes(pool.folder, ['search', '--budget', '2', '--no-report']);
  });
});

/** The processes that this one has started. */
const CHILDREN = `/proc/self/task/${process.pid}/children`;

it.skipIf(!existsSync(CHILDREN))(
  'a process of the graph that is killed in the middle of a run changes no byte',
  async () => {
    const args = ['search', '--budget', '3', '--metric', 'cross-entropy', '--no-cache'];
    const undisturbed = await leaves(folder, args);
    const here = newFolder();
    const journal = join(here, 'out', 'journal.jsonl');
    let killed = 0;
    // A run has a journal once its process is ready.
    const watch = setInterval(() => {
      if (killed > 0 || !existsSync(journal)) return;
      for (const pid of readFileSync(CHILDREN, 'utf8').trim().split(/\s+/))
        killed += Number(process.kill(Number(pid), 'SIGKILL'));
    }, 1);
    try {
      expect(await leaves(folder, args, here)).toEqual(undisturbed);
    } finally {
      clearInterval(watch);
    }
    expect(killed).toBe(1);
  },
);

it('scores and averages are the same on every backend that is to be had here by name, for any number of threads', async () => {
  const logits = newFolder();
  const { models } = await linearPool({ models: 7 });
  for (const { id } of models) {
    await radinJson(['evaluate', folder, id, '--save-logits', join(logits, `${id}.npy`)], logits);
  }
  const given = ['--logits', join(logits, '*.npy'), '--labels', join(folder, 'val_labels.npy')];
  const files = models.map(({ id }) => join(folder, 'models', `${id}.safetensors`));
  const found = new Set<string>();
  const { backends } = await radinJson<{ backends: { name: string; available: boolean }[] }>(['doctor'], logits);
  for (const [at, { name: backend }] of backends.filter(({ available }) => available).entries()) {
    const way = ['--backend', backend, '--threads', String(1 + 2 * at)];
    const { candidates } = await radinJson<{ candidates: unknown }>(['score', ...given, ...way], logits);
    const weights = '0.4,0.3,0.1,0.05,0.05,0.06,0.04';
    const soup = ['average', ...files, '--weights', weights, '--out', 'soup.safetensors', '--backend', backend];
    const { sha256 } = await radinJson<{ sha256: string }>(soup, logits);
    found.add(JSON.stringify([candidates, sha256]));
  }
  expect(found.size).toBe(1);
});
