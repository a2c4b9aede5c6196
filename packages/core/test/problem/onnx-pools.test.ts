import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { describe, expect, onTestFinished, test } from 'vitest';
import { onnx } from '#onnx';
import {
  floatValues,
  type OnnxFile,
  openOnnx,
  openSafetensors,
  type TensorInfo,
  writeFloats,
} from '../../src/formats/index.js';
import { accuracy } from '../../src/metric/index.js';
import { Mixture, Soup, writeSoup } from '../../src/mixture/index.js';
import { alignCheckpoints, closeCheckpoints, openCheckpoints, Pool } from '../../src/pool/index.js';
import { type PoolFiles, Problem } from '../../src/problem/index.js';
import { draw, f32, numbers, refused, temporaryFolder, tensor, writeArray, writeModel } from '../pools.js';

const FIXTURES = new URL('../formats/fixtures/onnx-models/', import.meta.url).pathname;
const folder = temporaryFolder();
const models = (form: string) =>
  readdirSync(join(FIXTURES, form))
    .filter((name) => !name.endsWith('.bin'))
    .map((name) => join(FIXTURES, form, name));

const next = numbers(4);
const data = Promise.all([
  writeArray(join(folder, 'x.npy'), f32([60, 2, 3], draw(next, 360, 2))),
  writeArray(
    join(folder, 'y.npy'),
    tensor(
      'I32',
      [60],
      Int32Array.from({ length: 60 }, () => Math.abs(next()) * 3),
    ),
  ),
]);

async function open(files: Pick<PoolFiles, 'models' | 'graph' | 'architecture' | 'init'>): Promise<Problem> {
  const [inputs, labels] = await data;
  const problem = await Problem.open(
    { ...files, validation: { inputs, labels } },
    { metric: accuracy, backend: 'auto', threads: 1 },
  );
  onTestFinished(() => problem.dispose());
  return problem;
}

const mixture = Mixture.of([0.5, 0.3, 0, 0.2]);
const soupOf = ({ pool, backend }: Problem) => new Soup(pool, mixture, backend);

async function write(problem: Problem, name: string): Promise<string> {
  const path = join(folder, name);
  await writeSoup(path, soupOf(problem), problem.pool);
  return path;
}

async function found(form: string, files: Parameters<typeof open>[0] = { models: models(form) }) {
  const problem = await open(files);
  const { validation } = problem;
  return {
    scores: [...(await validation.individualScores())],
    score: (await validation.evaluate(soupOf(problem))).score,
    soup: readFileSync(await write(problem, `${form}.safetensors`)).toString('base64'),
  };
}

const graph = join(FIXTURES, 'inline/a.onnx');
const expected = found('safetensors', { models: models('safetensors'), graph });

async function opened(path: string): Promise<OnnxFile> {
  const file = await openOnnx(path);
  onTestFinished(() => file.close());
  return file;
}

/** Every tensor of a soup in ONNX, against the same soup in safetensors. */
async function expectSameTensors(path: string, reference: string): Promise<void> {
  const file = await opened(path);
  const other = await openSafetensors(reference);
  onTestFinished(() => other.close());
  expect(file.tensors).toEqual(other.tensors);
  for (const { name, byteLength } of file.tensors) {
    const [a, b] = [new Uint8Array(byteLength), new Uint8Array(byteLength)];
    await Promise.all([file.read(name, a), other.read(name, b)]);
    expect(a).toEqual(b);
  }
}

describe('one pool gives the same scores and the same bytes of a soup', () => {
  test.each(['inline', 'external', 'typed'])('as ONNX files with %s weights', async (form) => {
    expect(await found(form)).toEqual(await expected);
  });

  test('as PyTorch files, and as all of these together without a graph', async () => {
    expect(await found('pytorch', { models: models('pytorch'), graph })).toEqual(await expected);
    const mixed = ['external', 'safetensors', 'typed', 'pytorch'].map((form, at) => models(form)[at] as string);
    expect(await found('mixed', { models: mixed })).toEqual(await expected);
  });

  test('as ONNX files whose exports gave weights different names, which is said', async () => {
    const problem = await open({ models: models('renamed') });
    expect(problem.notices).toHaveLength(3);
    expect(problem.notices[0]).toMatch(
      /renamed\/b\.onnx is the graph of .*a\.onnx with other names: its "onnx::T_101" is taken for "onnx::T_1", and so on for 5 weights/,
    );
    const { scores, score } = await expected;
    expect([...(await problem.validation.individualScores())]).toEqual(scores);
    expect((await problem.validation.evaluate(soupOf(problem))).score).toBe(score);
  });
});

test('distances from an initialisation in ONNX are the same whatever its export called the weights', async () => {
  const geometry = async (form: string, init: string) => {
    const [a, b, c, d] = models(form) as [string, string, string, string];
    const { whole } = await (
      await open({ models: [a, b, c], init: init === form ? d : (models(init)[3] as string) })
    ).geometry();
    return whole;
  };
  expect(await geometry('renamed', 'renamed')).toEqual(await geometry('inline', 'inline'));
  expect(await geometry('renamed', 'typed')).toEqual(await geometry('inline', 'inline'));
});

describe('a soup in ONNX', () => {
  test.each(['inline', 'external', 'typed'])('of %s weights has the soup’s values and scores as it', async (form) => {
    const { score } = await expected;
    const problem = await open({ models: models(form) });
    const path = await write(problem, `${form}.onnx`);
    await expectSameTensors(path, await write(problem, 'reference.safetensors'));
    expect(readdirSync(folder).includes(`${form}.onnx.data`)).toBe(form === 'external');
    const again = await open({ models: [path], architecture: [graph] });
    expect((await again.validation.evaluate(again.pool.checkpoints[0] as never)).score).toBe(score);
  });

  test('of models in several formats is a copy of the first in ONNX', async () => {
    const problem = await open({ models: [...models('pytorch').slice(0, 3), models('inline')[3] as string] });
    await expectSameTensors(await write(problem, 'mixed.onnx'), await write(problem, 'mixed.safetensors'));
  });

  test('of models in other formats is refused', async () => {
    const problem = await open({ models: models('safetensors'), graph });
    await expect(write(problem, 'none.onnx')).rejects.toEqual(
      refused('CONFIG', /a model in ONNX, .* but found none for .*none\.onnx: write a \.safetensors file/),
    );
    expect(readdirSync(folder)).not.toContain('none.onnx');
  });
});

/** A model in ONNX with its weights, inputs, outputs and constants in float16. */
async function inHalf(path: string, name: string, rounded: readonly string[] | undefined = undefined): Promise<string> {
  const model = onnx.ModelProto.decode(readFileSync(path));
  const graph = model.graph as onnx.GraphProto;
  const half = (tensor: onnx.TensorProto.$Properties) => {
    if (tensor.data_type !== 1 || !(rounded?.includes(tensor.name ?? '') ?? true)) return;
    const bytes = tensor.raw_data as Uint8Array;
    const target = new Uint8Array(bytes.byteLength / 2);
    writeFloats(floatValues(bytes, 'F32'), 'F16', target);
    Object.assign(tensor, { data_type: 10, raw_data: target });
  };
  graph.initializer.forEach(half);
  for (const { attribute } of graph.node) for (const { t } of attribute ?? []) if (t) half(t);
  for (const { type } of [...graph.input, ...graph.output])
    Object.assign(type?.tensor_type as object, { elem_type: 10 });
  const target = join(folder, name);
  writeFileSync(target, onnx.ModelProto.encode(model).finish());
  return target;
}

/** The weights of a model in ONNX as safetensors. */
async function asSafetensors(path: string, name: string): Promise<string> {
  const file = await opened(path);
  const tensors: Record<string, ReturnType<typeof tensor>> = {};
  for (const { name: own, dtype, shape, byteLength } of file.tensors) {
    const bytes = new Uint8Array(byteLength);
    await file.read(own, bytes);
    tensors[own] = { dtype, shape, bytes } as never;
  }
  return writeModel(join(folder, name), tensors);
}

describe('models in ONNX of different floating-point types', () => {
  test('are widened as those of other formats, and their soup is a copy of the one with the widest', async () => {
    const [a, b, c, d] = models('inline') as [string, string, string, string];
    const halves = [await inHalf(a, 'half-a.onnx'), await inHalf(c, 'half-c.onnx')] as const;
    const problem = await open({ models: [halves[0], b, halves[1], d] });
    expect(problem.notices.filter((notice) => /has F16 where the soup has F32/.test(notice))).toHaveLength(2);
    const others = await Promise.all(
      [halves[0], b, halves[1], d].map((path, at) => asSafetensors(path, `${at}-of-mixed.safetensors`)),
    );
    const same = await open({ models: others, graph });
    const scores = async ({ validation }: Problem) => [...(await validation.individualScores())];
    expect(await scores(problem)).toEqual(await scores(same));
    const soup = await write(problem, 'of-mixed.onnx');
    await expectSameTensors(soup, await write(same, 'of-mixed.safetensors'));
    const { score } = await problem.validation.evaluate(soupOf(problem));
    const again = await open({ models: [soup], architecture: [halves[0], b] });
    expect((await again.validation.evaluate(again.pool.checkpoints[0] as never)).score).toBe(score);
  });

  test('are refused where no model has the widest type of every weight', async () => {
    const [a, b] = models('inline') as [string, string];
    const { tensors } = await opened(a);
    const [first, ...others] = tensors.filter(({ dtype }) => dtype === 'F32').map(({ name }) => name);
    const parts = [
      await inHalf(a, 'one-half.onnx', [first as string]),
      await inHalf(b, 'others-half.onnx', others.slice(0, 2)),
    ];
    await expect(open({ models: parts })).rejects.toEqual(
      refused(
        'POOL',
        /to have a type that F16 holds, since one of the models must have the widest type of every weight/,
      ),
    );
  });
});

describe('refused is', () => {
  test('a model whose graph is another', async () => {
    await expect(open({ models: [graph, join(FIXTURES, 'other-shape.onnx')] })).rejects.toEqual(
      refused('POOL', /initializer "shape" to be I64 \[2\] as in .*a\.onnx but found I64 \[3\] in .*other-shape\.onnx/),
    );
  });

  test('a model without a graph where there is none', async () => {
    await expect(open({ models: models('safetensors') })).rejects.toEqual(refused('CONFIG', /a graph .*found none/));
  });
});

describe('models of different floating-point types', () => {
  const half = [0x3c00, 0x4000, 0x0001, 0x7bff]; // 1, 2, 2^-24, 65504
  const tensors = {
    a: { w: tensor('F16', [4], Uint16Array.from(half)) },
    b: { w: tensor('F32', [4], Float32Array.of(0.1, 0.2, 0.3, 0.4)) },
    c: { w: tensor('BF16', [4], Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7f7f)) },
    wide: { w: tensor('F32', [4], Float32Array.of(1, 2, 2 ** -24, 65504)) },
  };

  test('are averaged in the narrowest type that holds all of them, as if they had been in it', async () => {
    const paths: Record<string, string> = {};
    for (const [name, model] of Object.entries(tensors)) {
      paths[name] = await writeModel(join(folder, `${name}.safetensors`), model);
    }
    const soup = async (names: readonly string[]) => {
      const models = await openCheckpoints(names.map((name) => paths[name] as string));
      onTestFinished(() => closeCheckpoints(models));
      const { checkpoints, notices } = alignCheckpoints(models);
      const pool = new Pool(checkpoints);
      const [{ dtype, byteLength }] = pool.tensors as readonly [TensorInfo];
      const bytes = new Uint8Array(byteLength);
      await new Soup(pool, Mixture.uniform(names.length, [...names.keys()]), openBackend('auto')).read('w', bytes);
      return { dtype, bytes, notices: notices.length };
    };
    expect(await soup(['a', 'b'])).toEqual({ ...(await soup(['wide', 'b'])), notices: 1 });
    expect(await soup(['a', 'c'])).toMatchObject({ dtype: 'F32', notices: 2 });
    expect(await soup(['a'])).toMatchObject({ dtype: 'F16', notices: 0 });
  });
});
