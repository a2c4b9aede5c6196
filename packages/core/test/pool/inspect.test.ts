import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { describe, expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/index.js';
import { batchNormFacts, inspectPool, openCheckpoints } from '../../src/pool/index.js';
import {
  batchNormGraph,
  f32,
  linearGraph,
  type TensorData,
  temporaryFolder,
  tensor,
  writeGraph,
  writeModel,
} from '../pools.js';

const backend = openBackend('auto');
const parent = temporaryFolder();
let folders = 0;
function ownFolder(): string {
  const folder = join(parent, String(folders++));
  mkdirSync(folder);
  return folder;
}

const linear = (seed: number): Record<string, TensorData> => ({ w: f32([2, 2], [seed, 2, 3, 4]), b: f32([2], [5, 6]) });

/** Problems by model, and those of the pool. */
async function problemsOf(paths: readonly string[], graph?: string) {
  const { models, problems } = await inspectPool(
    paths,
    graph === undefined ? undefined : await readOnnx(graph),
    backend,
  );
  return { models: models.map((model) => model.problems), problems };
}

test('a sound pool has no problems; sizes and digests are those of the files', async () => {
  const folder = ownFolder();
  const paths = [
    await writeModel(join(folder, 'a.safetensors'), linear(1)),
    await writeModel(join(folder, 'b.safetensors'), linear(2)),
  ];
  const graph = await readOnnx(writeGraph(join(folder, 'graph.onnx'), linearGraph(2, 2)));
  const { models, problems } = await inspectPool(paths, graph, backend);
  expect(problems).toEqual([]);
  expect(models).toEqual(
    paths.map((file, index) => ({
      id: 'ab'[index],
      file,
      verdict: 'ok',
      tensors: 2,
      bytes: readFileSync(file).byteLength,
      sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
      problems: [],
      warnings: [],
    })),
  );
});

test('a broken file, a NaN and an odd layout are problems of their models, and the others are looked at all the same', async () => {
  const folder = ownFolder();
  const file = (name: string) => join(folder, `${name}.safetensors`);
  writeFileSync(file('broken'), 'not a checkpoint');
  const paths = [
    file('broken'),
    await writeModel(file('nan'), { ...linear(1), b: f32([2], [5, Number.NaN]) }),
    await writeModel(file('odd'), { ...linear(2), extra: f32([1], [1]) }),
    await writeModel(file('good'), linear(3)),
    await writeModel(file('copy'), linear(3)),
  ];
  const found = await problemsOf(paths);
  const { models } = await inspectPool(paths, undefined, backend);
  expect(models.map(({ verdict }) => verdict)).toEqual([
    'cannot be read',
    'diverged',
    'does not belong',
    'ok',
    'duplicate of good',
  ]);
  expect(found.models).toEqual([
    [expect.stringContaining(file('broken'))],
    [expect.stringMatching(/NaN in .*nan\.safetensors, tensor "b", element 1/)],
    [expect.stringMatching(/no tensor "extra".* in model odd$/)],
    [],
    [],
  ]);
  expect(found.problems).toEqual([expect.stringMatching(/^Models good and copy have equal weights$/)]);
});

test('a file that is missing is a problem of its model', async () => {
  const folder = ownFolder();
  const good = await writeModel(join(folder, 'good.safetensors'), linear(1));
  const found = await problemsOf([join(folder, 'missing.safetensors'), good]);
  expect(found.models).toEqual([[expect.stringMatching(/missing\.safetensors/)], []]);
});

test('a file that is listed twice is a problem', async () => {
  const path = await writeModel(join(ownFolder(), 'a.safetensors'), linear(1));
  const found = await problemsOf([path, path]);
  expect([...found.models.flat(), ...found.problems]).toContainEqual(expect.stringMatching(/twice|two models/));
});

test('two models of one id are a problem', async () => {
  const paths = [
    await writeModel(join(ownFolder(), 'a.safetensors'), linear(1)),
    await writeModel(join(ownFolder(), 'a.safetensors'), linear(2)),
  ];
  expect((await problemsOf(paths)).models.flat()).toContainEqual(expect.stringMatching(/two models called "a"/));
});

test('weights that contradict the graph are problems of every model that has them', async () => {
  const folder = ownFolder();
  const graph = writeGraph(join(folder, 'graph.onnx'), linearGraph(2, 3));
  const paths = [
    await writeModel(join(folder, 'a.safetensors'), linear(1)),
    await writeModel(join(folder, 'b.safetensors'), linear(2)),
  ];
  const { models } = await problemsOf(paths, graph);
  for (const [index, problems] of models.entries()) {
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`"w" of model ${'ab'[index]} to be F32 \\[2, 3\\] .* found F32 \\[2, 2\\]`)),
      expect.stringMatching(/"b" of model . to be F32 \[3\]/),
    ]);
  }
});

test('an initializer that no model has is a problem of the pool', async () => {
  const folder = ownFolder();
  const graph = writeGraph(join(folder, 'graph.onnx'), linearGraph(2, 2));
  const paths = [await writeModel(join(folder, 'a.safetensors'), { w: f32([2, 2], [1, 2, 3, 4]) })];
  expect((await problemsOf(paths, graph)).problems).toEqual([expect.stringMatching(/^No model has the tensor b of/)]);
});

test('an initializer that only one model lacks is a problem of that model alone, also of the first', async () => {
  const folder = ownFolder();
  const graph = writeGraph(join(folder, 'graph.onnx'), linearGraph(2, 2));
  const paths = [
    await writeModel(join(folder, 'a.safetensors'), { w: f32([2, 2], [1, 2, 3, 4]) }),
    await writeModel(join(folder, 'b.safetensors'), linear(1)),
    await writeModel(join(folder, 'c.safetensors'), linear(2)),
  ];
  const found = await problemsOf(paths, graph);
  expect(found.models).toEqual([[expect.stringMatching(/"b".* none of that name in model a$/)], [], []]);
  expect(found.problems).toEqual([]);
});

test('integers that differ between models, for which no search would begin, are a problem', async () => {
  const folder = ownFolder();
  const paths = await Promise.all(
    [1, 2].map((count) => {
      const version = tensor('I64', [], BigInt64Array.of(BigInt(count)));
      return writeModel(join(folder, `${'ab'[count - 1]}.safetensors`), { ...linear(count), version });
    }),
  );
  const found = await problemsOf(paths);
  expect([...found.models.flat(), ...found.problems]).toEqual([expect.stringMatching(/"version", I64.* "a" and "b"/)]);
});

test('a model that is far from the others has a warning and no problem', async () => {
  const folder = ownFolder();
  const paths = await Promise.all(
    [1, 2, 3, 4, 90].map((seed, k) => writeModel(join(folder, `${'abcde'[k]}.safetensors`), linear(seed))),
  );
  const { models, problems } = await inspectPool(paths, undefined, backend);
  expect([...models.flatMap((model) => model.problems), ...problems]).toEqual([]);
  expect(models.map(({ warnings }) => warnings)).toEqual([
    [],
    [],
    [],
    [],
    [expect.stringMatching(/^model e may be outside the basin of the others: .*100 % .* in w; /)],
  ]);
  expect(models.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok', 'diverged']);
});

test('a model with an infinite weight, which no soup refuses, has a warning', async () => {
  const folder = ownFolder();
  const infinite = { ...linear(3), b: f32([2], [5, Number.POSITIVE_INFINITY]) };
  const paths = await Promise.all(
    [linear(1), linear(2), infinite].map((tensors, k) => writeModel(join(folder, `${'abc'[k]}.safetensors`), tensors)),
  );
  const { models } = await inspectPool(paths, undefined, backend);
  expect(models.flatMap(({ warnings }) => warnings)).toEqual([
    'model c has 1 NaN or infinite weights where other models have numbers',
  ]);
});

describe('with the initialisation', () => {
  const direction = [1, 0, 0, 0];
  const moved = (scale: number, ...values: number[]) => ({
    w: f32(
      [2, 2],
      direction.map((x, at) => 10 + scale * (x + (values[at] ?? 0))),
    ),
    b: f32([2], [5, 6]),
  });
  const files = async (models: readonly Record<string, TensorData>[]) => {
    const folder = ownFolder();
    const init = await writeModel(join(folder, 'init.safetensors'), {
      w: f32([2, 2], [10, 10, 10, 10]),
      b: f32([2], [5, 6]),
    });
    const paths = await Promise.all(
      models.map((tensors, k) => writeModel(join(folder, `${'abcdef'[k]}.safetensors`), tensors)),
    );
    return { init, paths };
  };

  test('distances and angles are those of the plain formulas', async () => {
    const { init, paths } = await files([moved(3), moved(1, 0, 1), moved(2, -1, 1)]);
    const { models, angles } = await inspectPool(paths, undefined, backend, { init });
    expect(models.map(({ distanceFromInit }) => distanceFromInit)).toEqual(
      [3, Math.SQRT2, 2].map((x) => expect.closeTo(x, 6)),
    );
    expect(angles).toEqual({
      models: ['a', 'b', 'c'],
      degrees: [
        [0, 45, 90],
        [45, 0, 45],
        [90, 45, 0],
      ],
    });
  });

  test('a model that went another way than all others is named, though it is as far as they', async () => {
    const along = [0.1, 0.2, 0.3, 0.4].map((x, at) => moved(1, 0, 0, at % 2 ? x : 0, at % 2 ? 0 : x));
    const { init, paths } = await files([...along, moved(1, -1, 1)]);
    const { models } = await inspectPool(paths, undefined, backend, { init });
    expect(models.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok', 'another direction']);
    expect(models[4]?.warnings).toEqual([
      expect.stringMatching(/another direction than all others \(cosines of at most 0\.00, where 0\.9/),
    ]);
    const without = await inspectPool(paths, undefined, backend);
    expect(without.angles).toBeUndefined();
  });

  test('a model that is the initialisation has no angle with others, and none is suspicious for it', async () => {
    const along = [0.1, 0.2, 0.3, 0.4].map((x, at) => moved(1, 0, 0, at % 2 ? x : 0, at % 2 ? 0 : x));
    const { init, paths } = await files([moved(0), ...along]);
    const { models, angles } = await inspectPool(paths, undefined, backend, { init });
    expect(angles?.degrees[0]).toEqual([0, null, null, null, null]);
    expect(models.map(({ verdict }) => verdict)).toEqual(Array(5).fill('ok'));
  });

  test('of another layout is a problem of the pool', async () => {
    const { paths } = await files([moved(1), moved(2)]);
    const init = await writeModel(join(ownFolder(), 'init.safetensors'), { w: f32([2, 2], [1, 1, 1, 1]) });
    const { problems } = await inspectPool(paths, undefined, backend, { init });
    expect(problems).toEqual([expect.stringMatching(/"b".* found none of that name in model init, which init names$/)]);
  });
});

test('two epochs of one run are told, and are neither duplicates nor suspicious', async () => {
  const folder = ownFolder();
  const values = [
    [1, 2, 3, 4],
    [2, 1, 4, 3],
    [4, 3, 2, 1],
    [3, 4, 1, 2],
    [3, 4, 1, 2.01],
  ];
  const paths = await Promise.all(
    values.map((w, k) => writeModel(join(folder, `${'abcde'[k]}.safetensors`), { w: f32([2, 2], w) })),
  );
  const { models, notices } = await inspectPool(paths, undefined, backend);
  expect(models.every(({ verdict }) => verdict === 'ok')).toBe(true);
  expect(notices).toEqual([
    expect.stringMatching(/^models d and e are nearly the same, 0\.00\d+ of the usual distance/),
  ]);
});

test('headers alone tell sizes and layouts, and nothing of the weights', async () => {
  const folder = ownFolder();
  const paths = [
    await writeModel(join(folder, 'a.safetensors'), linear(1)),
    await writeModel(join(folder, 'copy.safetensors'), linear(1)),
    await writeModel(join(folder, 'nan.safetensors'), { ...linear(1), b: f32([2], [5, Number.NaN]) }),
    await writeModel(join(folder, 'odd.safetensors'), { w: f32([2, 2], [1, 2, 3, 4]) }),
  ];
  const { models } = await inspectPool(paths, undefined, backend, { quick: true });
  expect(models.map(({ verdict }) => verdict)).toEqual([...Array(3).fill('ok by its header'), 'does not belong']);
  expect(models.map(({ sha256, bytes }) => [sha256, bytes > 0])).toEqual(Array(4).fill(['', true]));
});

describe('BatchNorm', () => {
  const statistics = ['running_mean', 'running_var'].map((name) => [`bn.${name}`, f32([2], [0, 1])] as const);
  const scale = { 'bn.weight': f32([2], [1, 1]), 'bn.bias': f32([2], [0, 0]) };
  const checkpoint = async (tensors: Record<string, TensorData>) =>
    openCheckpoints([await writeModel(join(ownFolder(), 'a.safetensors'), tensors)]);

  test('in the graph, with statistics of the models, is counted and told', async () => {
    const tensors = { ...scale, ...Object.fromEntries(statistics) };
    const graph = await readOnnx(writeGraph(join(ownFolder(), 'graph.onnx'), batchNormGraph(Object.keys(tensors))));
    const facts = batchNormFacts(graph, await checkpoint(tensors));
    expect(facts).toEqual({
      nodes: 1,
      folded: false,
      notices: [expect.stringMatching(/^the graph has 1 BatchNormalization/)],
    });
  });

  test('that the models have and the graph has not was folded', async () => {
    const graph = await readOnnx(writeGraph(join(ownFolder(), 'graph.onnx'), linearGraph(2, 2)));
    const facts = batchNormFacts(graph, await checkpoint({ ...linear(1), ...Object.fromEntries(statistics) }));
    expect(facts).toEqual({
      nodes: 0,
      folded: true,
      notices: [expect.stringMatching(/bn\.running_mean.* folded BatchNorm/)],
    });
  });

  test('of a linear network is no matter', async () => {
    const graph = await readOnnx(writeGraph(join(ownFolder(), 'graph.onnx'), linearGraph(2, 2)));
    expect(batchNormFacts(graph, await checkpoint(linear(1)))).toEqual({ nodes: 0, folded: false, notices: [] });
  });
});
