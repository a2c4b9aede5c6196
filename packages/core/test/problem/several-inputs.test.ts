import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ContentCache } from '../../src/cache/index.js';
import { Inputs, readInputs } from '../../src/data/index.js';
import { accuracy } from '../../src/metric/index.js';
import { inspectProblem, type PoolFiles, Problem } from '../../src/problem/index.js';
import { radin } from '../../src/recipes/index.js';
import { exhaustive } from '../../src/sampler/index.js';
import { bytesOf } from '../evaluator/opened.js';
import { f32, node, refused, temporaryFolder, tinyPool, value, writeArray, writeGraph, zeros } from '../pools.js';

const folder = temporaryFolder();
const [FEATURES, CLASSES, SAMPLES] = [5, 3, 90];

/** The same linear pool twice: with all features in one input, and with the first two in an input of their own. */
async function poolOfTwo() {
  const pool = await tinyPool(folder, { models: 4, samples: SAMPLES, features: FEATURES, classes: CLASSES, noise: 2 });
  const inputs = async (name: string, values: Float32Array) => {
    const columns = (from: number, to: number) => values.filter((_, at) => at % FEATURES >= from && at % FEATURES < to);
    const write = (part: string, data: Float32Array) =>
      writeArray(join(pool.folder, `${name}-${part}.npy`), f32([SAMPLES, data.length / SAMPLES], data));
    return {
      whole: await write('whole', values),
      parts: { mask: await write('mask', columns(2, FEATURES)), ids: await write('ids', columns(0, 2)) },
    };
  };
  const validation = await inputs('val', pool.validation.inputs);
  const graph = writeGraph(join(pool.folder, 'two.onnx'), {
    input: [value('ids', 'F32', ['n', 2]), value('mask', 'F32', ['n', FEATURES - 2])],
    output: [value('logits', 'F32', ['n', CLASSES])],
    initializer: [zeros('w', 'F32', [FEATURES, CLASSES]), zeros('b', 'F32', [CLASSES])],
    node: [
      { ...node('Concat', ['ids', 'mask'], 'x'), attribute: [{ name: 'axis', type: 2, i: 1 as never }] },
      node('MatMul', ['x', 'w'], 'p'),
      node('Add', ['p', 'b'], 'logits'),
    ],
  });
  const { labels } = pool.files.validation;
  const whole: PoolFiles = { ...pool.files, validation: { inputs: validation.whole, labels } };
  const parts: PoolFiles = { ...pool.files, graph, validation: { inputs: validation.parts, labels } };
  return { whole, parts };
}

const pools = poolOfTwo();

async function searched(files: PoolFiles, cache?: ContentCache) {
  const problem = await Problem.open(files, {
    metric: accuracy,
    backend: 'reference',
    threads: 2,
    batch: 8,
    splits: ['validation'],
    holdOut: { fraction: 0.2, seed: 3 },
    ...(cache && { cache }),
  });
  onTestFinished(() => problem.dispose());
  const options = { budget: 5, samplers: [exhaustive], candidates: 20, seed: 0, includeUniform: true, lambda: 0 };
  const best = (await radin(problem.validation, options)).best;
  return { key: best.mixture.key, score: best.score, held: await problem.heldOut?.scores([best.mixture]), problem };
}

test('a graph with several inputs gives what it gives with all of them in one, also where samples are chosen', async () => {
  const { whole, parts } = await pools;
  const [one, two] = [await searched(whole), await searched(parts)];
  expect([two.key, two.score, two.held]).toEqual([one.key, one.score, one.held]);
  expect(two.problem.validation.split.inputs.all.map(({ name }) => name)).toEqual(['mask', 'ids']);
});

test('what is remembered does not depend on the order in which inputs are named', async () => {
  const { parts } = await pools;
  const cache = await ContentCache.open(join(folder, 'cache'));
  await searched(parts, cache);
  const { mask, ids } = parts.validation.inputs as Record<string, string>;
  const turned = {
    ...parts,
    validation: { ...parts.validation, inputs: { ids: ids as string, mask: mask as string } },
  };
  const again = await searched(turned, cache);
  expect(again.problem.validation.reused.models).toBe(4);
});

test('inputs that are not the graph’s, lack a name or differ in length are refused in one line', async () => {
  const { parts } = await pools;
  const { mask, ids } = parts.validation.inputs as { mask: string; ids: string };
  const short = await writeArray(join(folder, 'short.npy'), f32([1, 2], [1, 2]));
  const open = (inputs: NonNullable<PoolFiles['validation']['inputs']>) =>
    Problem.open({ ...parts, validation: { ...parts.validation, inputs } }, { metric: accuracy, backend: 'reference' });
  await expect(open(ids)).rejects.toEqual(
    refused('DATA', /graph's inputs "ids", "mask" .* without a name, .*ids\.npy$/),
  );
  await expect(open({ ids })).rejects.toEqual(refused('DATA', /the graph's input "mask" but found none beside/));
  await expect(open({ ids, mask, x: ids })).rejects.toEqual(refused('DATA', /inputs "ids", "mask" but found "x", /));
  await expect(open({ ids: mask, mask })).rejects.toEqual(
    refused('DATA', /\[n, 2\] for the graph's input "ids" but found/),
  );
  await expect(open({ mask, ids: short })).rejects.toEqual(
    refused('DATA', /Expected one label per sample .*short\.npy$/),
  );
  await expect(readInputs({ mask, ids: short })).rejects.toEqual(
    refused('DATA', /90 samples in every input.* found 1 in/),
  );
});

test('joined inputs are those of both, input by input', async () => {
  const { parts } = await pools;
  const [a, b] = [
    await readInputs(parts.validation.inputs as never),
    await readInputs(parts.validation.inputs as never),
  ];
  const joined = Inputs.joined(a, b.select(Uint32Array.of(1, 0)));
  onTestFinished(() => joined.close());
  expect(joined.all.map(({ name, shape }) => [name, shape])).toEqual([
    ['mask', [92, 3]],
    ['ids', [92, 2]],
  ]);
  const [, ids] = joined.all as [Inputs, Inputs];
  const rows = await bytesOf(ids);
  expect(rows.subarray(90 * 8, 91 * 8)).toEqual(rows.subarray(8, 16));
});

test('inspection tells of each input by its name', async () => {
  const { parts, whole } = await pools;
  const { splits } = await inspectProblem(parts, { backend: 'reference', quick: true });
  expect(splits[0]).toMatchObject({
    inputs: [
      { name: 'mask', dtype: 'F32', shape: [SAMPLES, FEATURES - 2] },
      { name: 'ids', dtype: 'F32', shape: [SAMPLES, 2] },
    ],
  });
  expect((await inspectProblem(whole, { backend: 'reference', quick: true })).splits[0]).not.toHaveProperty('inputs');
});
