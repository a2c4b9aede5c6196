import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { onnx } from '#onnx';
import type { RadinErrorCode } from '../src/errors/index.js';
import { type Dtype, dtypeBytes, writeNpy, writeSafetensors } from '../src/formats/index.js';

/** A folder that is removed after the tests of the file, or the `describe`, that it is asked for in. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'radin-core-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What an error that the user can repair must look like. */
export function refused(code: RadinErrorCode, message: RegExp): object {
  return expect.objectContaining({ name: 'RadinError', code, message: expect.stringMatching(message) });
}

/** Numbers in [−1, 1) from a generator that shares nothing with the sources (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export function draw(next: () => number, length: number, scale = 1): Float32Array {
  return Float32Array.from({ length }, () => scale * next());
}

/** A tensor with its values. */
export interface TensorData {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export function tensor(dtype: Dtype, shape: readonly number[], values: ArrayBufferView): TensorData {
  return { dtype, shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice() };
}

export function f32(shape: readonly number[], values: Iterable<number>): TensorData {
  return tensor('F32', shape, Float32Array.from(values));
}

/** Writes a checkpoint. @returns its path */
export async function writeModel(
  path: string,
  tensors: Readonly<Record<string, TensorData>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<string> {
  const infos = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    return { name, dtype, shape, byteLength: bytes.byteLength };
  });
  await writeSafetensors(path, infos, new Map(Object.entries(metadata)), async ({ name }, write) => {
    await write((tensors[name] as TensorData).bytes);
  });
  return path;
}

/** Writes an array. @returns its path */
export async function writeArray(path: string, { dtype, shape, bytes }: TensorData): Promise<string> {
  await writeNpy(path, dtype, shape, bytes);
  return path;
}

const ONNX_TYPES: Partial<Record<Dtype, number>> = { F32: 1, U8: 2, I32: 6, I64: 7, F16: 10, F64: 11, BF16: 16 };

const int64 = (value: number) => onnx.TensorShapeProto.Dimension.fromObject({ dim_value: value }).dim_value as never;

/** An input or output of a graph; a text in the shape is a symbolic size. */
export function value(name: string, dtype: Dtype, shape: readonly (number | string)[]): onnx.ValueInfoProto.$Properties {
  const dim = shape.map((size) => (typeof size === 'string' ? { dim_param: size } : { dim_value: int64(size) }));
  return { name, type: { tensor_type: { elem_type: ONNX_TYPES[dtype] as number, shape: { dim } } } };
}

/** An initializer of zeros: what is exported does not matter where weights are fed. */
export function zeros(name: string, dtype: Dtype, shape: readonly number[]): onnx.TensorProto.$Properties {
  const bytes = shape.reduce((product, size) => product * size, dtypeBytes(dtype));
  return { name, data_type: ONNX_TYPES[dtype] as number, dims: shape.map(int64), raw_data: new Uint8Array(bytes) };
}

export function node(op_type: string, input: string[], output: string): onnx.NodeProto.$Properties {
  return { op_type, input, output: [output] };
}

/** The node that converts to float32. */
export function toFloat(input: string, output: string): onnx.NodeProto.$Properties {
  return { ...node('Cast', [input], output), attribute: [{ name: 'to', type: 2, i: int64(1) }] };
}

/** Writes a graph. @returns its path */
export function writeGraph(path: string, graph: onnx.GraphProto.$Properties): string {
  const opset_import = [{ domain: '', version: int64(13) }];
  writeFileSync(
    path,
    onnx.ModelProto.encode({ ir_version: int64(8), opset_import, graph: { name: 'g', ...graph } }).finish(),
  );
  return path;
}

/** x W + b, float32 [batch, features] → [batch, classes]; MatMul and Add. */
export function linearGraph(
  features: number,
  classes: number,
  batch: number | string = 'batch',
  dtype: Dtype = 'F32',
): onnx.GraphProto.$Properties {
  return {
    input: [value('x', dtype, [batch, features])],
    output: [value('logits', dtype, [batch, classes])],
    initializer: [zeros('w', dtype, [features, classes]), zeros('b', dtype, [classes])],
    node: [node('MatMul', ['x', 'w'], 'product'), node('Add', ['product', 'b'], 'logits')],
  };
}

/** relu(x W₁) W₂: the smallest network whose soups differ from the ensembles of their ingredients. */
export function reluGraph(features: number, hidden: number, classes: number): onnx.GraphProto.$Properties {
  return {
    input: [value('x', 'F32', ['batch', features])],
    output: [value('logits', 'F32', ['batch', classes])],
    initializer: [zeros('w1', 'F32', [features, hidden]), zeros('w2', 'F32', [hidden, classes])],
    node: [
      node('MatMul', ['x', 'w1'], 'h'),
      node('Relu', ['h'], 'r'),
      node('MatMul', ['r', 'w2'], 'logits'),
    ],
  };
}

/** Row-major [rows, inner] × [inner, columns] in float64. */
function multiply(a: ArrayLike<number>, b: ArrayLike<number>, inner: number, columns: number): Float64Array {
  const rows = a.length / inner;
  const product = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let i = 0; i < inner; i++) sum += (a[row * inner + i] as number) * (b[i * columns + column] as number);
      product[row * columns + column] = sum;
    }
  }
  return product;
}

/** What the sizes of a tiny pool may be. */
export interface TinyShape {
  readonly models: number;
  readonly samples: number;
  readonly features?: number;
  readonly classes?: number;
  /** Size of the hidden layer; without one the network is linear. */
  readonly hidden?: number;
  readonly seed?: number;
  /** How far models are from the network that made the labels; later models are further. */
  readonly noise?: number;
}

export type Weights = Readonly<Record<string, Float32Array>>;

export interface TinySplit {
  readonly inputs: Float32Array;
  readonly labels: Int32Array;
}

/** A pool in files, with everything that a plain loop needs to say what must come out. */
export interface TinyPool {
  readonly folder: string;
  readonly files: {
    readonly graph: string;
    readonly models: readonly string[];
    readonly validation: { readonly inputs: string; readonly labels: string };
    readonly test: { readonly inputs: string; readonly labels: string };
  };
  readonly classes: number;
  readonly weights: readonly Weights[];
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly validation: TinySplit;
  readonly test: TinySplit;
  /** Logits [M, C] in float64, of weights in the pool's layout. */
  forward(weights: Weights, split: TinySplit): Float64Array;
}

/** Makes a pool of noisy copies of one network, labels by that network, and writes it to a folder of its own. */
export async function tinyPool(parent: string, shape: TinyShape): Promise<TinyPool> {
  const { models, samples, features = 5, classes = 3, hidden, seed = 1, noise = 1 } = shape;
  const folder = mkdtempSync(join(parent, 'pool-'));
  const next = numbers(seed);
  const shapes: Record<string, readonly number[]> =
    hidden === undefined
      ? { w: [features, classes], b: [classes] }
      : { w1: [features, hidden], w2: [hidden, classes] };
  const lengths = Object.entries(shapes).map(([name, sizes]) => [name, sizes.reduce((a, b) => a * b, 1)] as const);
  const teacher: Weights = Object.fromEntries(lengths.map(([name, length]) => [name, draw(next, length)]));
  const forward = (weights: Weights, { inputs }: TinySplit): Float64Array => {
    if (hidden === undefined) {
      const logits = multiply(inputs, weights.w as Float32Array, features, classes);
      return logits.map((logit, at) => logit + (weights.b?.[at % classes] as number));
    }
    const relu = multiply(inputs, weights.w1 as Float32Array, features, hidden).map((h) => Math.max(h, 0));
    return multiply(relu, weights.w2 as Float32Array, hidden, classes);
  };
  const makeSplit = (): TinySplit => {
    const inputs = draw(next, samples * features, 2);
    const logits = forward(teacher, { inputs, labels: new Int32Array() });
    return { inputs, labels: Int32Array.from({ length: samples }, (_, m) => argMax(logits, m, classes)) };
  };
  const weights = Array.from({ length: models }, (_, k): Weights => {
    const scale = noise * (0.5 + k / models);
    return Object.fromEntries(
      lengths.map(([name, length]) => {
        return [name, Float32Array.from({ length }, (_, at) => (teacher[name]?.[at] as number) + scale * next())];
      }),
    );
  });
  const [validation, test] = [makeSplit(), makeSplit()];
  const writeSplit = async (name: string, { inputs, labels }: TinySplit) => ({
    inputs: await writeArray(join(folder, `${name}_inputs.npy`), f32([samples, features], inputs)),
    labels: await writeArray(join(folder, `${name}_labels.npy`), tensor('I32', [samples], labels)),
  });
  const graph = hidden === undefined ? linearGraph(features, classes) : reluGraph(features, hidden, classes);
  const files = {
    graph: writeGraph(join(folder, 'graph.onnx'), graph),
    models: await Promise.all(
      weights.map((one, k) => {
        const tensors = Object.entries(one).map(([name, values]) => [name, f32(shapes[name] as number[], values)]);
        return writeModel(join(folder, `m${String(k).padStart(2, '0')}.safetensors`), Object.fromEntries(tensors));
      }),
    ),
    validation: await writeSplit('val', validation),
    test: await writeSplit('test', test),
  };
  return { folder, files, classes, weights, shapes, validation, test, forward };
}

/** The first class with the largest logit of a sample. */
export function argMax(logits: ArrayLike<number>, sample: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if ((logits[sample * classes + c] as number) > (logits[sample * classes + best] as number)) best = c;
  }
  return best;
}

/** Fraction of samples whose first largest logit is the label's. */
export function accuracyOf(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number {
  let correct = 0;
  for (let m = 0; m < labels.length; m++) correct += argMax(logits, m, classes) === labels[m] ? 1 : 0;
  return correct / labels.length;
}

/** The uniform soup of some models by a plain loop: one rounding to float32. */
export function averageOf({ weights }: TinyPool, members: readonly number[]): Weights {
  const first = weights[members[0] as number] as Weights;
  return Object.fromEntries(
    Object.entries(first).map(([name, values]) => {
      const mean = (_: number, at: number) =>
        members.reduce((sum, k) => sum + (weights[k]?.[name]?.[at] as number), 0) / members.length;
      return [name, Float32Array.from(values, mean)];
    }),
  );
}

/** The accuracy of the uniform soup of some models, by plain loops. */
export function soupAccuracy(pool: TinyPool, members: readonly number[], split: 'validation' | 'test'): number {
  const { labels } = pool[split];
  return accuracyOf(pool.forward(averageOf(pool, members), pool[split]), labels, pool.classes);
}

/** All non-empty subsets of [0, count), by counting in binary. */
export function everySubset(count: number): number[][] {
  const members = [...Array(count).keys()];
  return Array.from({ length: 2 ** count - 1 }, (_, mask) => members.filter((k) => ((mask + 1) >> k) & 1));
}

/** Pearson's statistic of counts that should all be equal. */
export function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
