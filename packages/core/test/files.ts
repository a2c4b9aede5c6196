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
export function value(
  name: string,
  dtype: Dtype,
  shape: readonly (number | string)[],
): onnx.ValueInfoProto.$Properties {
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
    node: [node('MatMul', ['x', 'w1'], 'h'), node('Relu', ['h'], 'r'), node('MatMul', ['r', 'w2'], 'logits')],
  };
}

/** BatchNormalization of [batch, 2] alone. @param names of its scale, bias, mean and variance */
export function batchNormGraph(names: readonly string[]): onnx.GraphProto.$Properties {
  return {
    input: [value('x', 'F32', ['batch', 2])],
    output: [value('logits', 'F32', ['batch', 2])],
    initializer: names.map((name) => zeros(name, 'F32', [2])),
    node: [node('BatchNormalization', ['x', ...names], 'logits')],
  };
}
