import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/index.js';
import { inspectPool } from '../../src/pool/index.js';
import { f32, linearGraph, type TensorData, temporaryFolder, tensor, writeGraph, writeModel } from '../pools.js';

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
