import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Dtype, Random, writeNpy, writeSafetensors } from '@radin/core';
import { linearGraph } from './linear-graph.js';
import { newFolder } from './scratch.js';

/** D and C of every linear network here. */
export const FEATURES = 6;
export const CLASSES = 4;

export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A float32 tensor. */
export function float32(name: string, shape: readonly number[], values: Iterable<number>): TensorSpec {
  return { name, dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/** Writes a safetensors file and the folders that it is in. */
export async function writeModel(
  path: string,
  tensors: readonly TensorSpec[],
  metadata: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const specs = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const infos = tensors.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, byteLength: bytes.byteLength }));
  await writeSafetensors(path, infos, metadata, ({ name }, write) => write(specs.get(name)?.bytes as Uint8Array));
}

/** Weights of one linear network, logits = x W + b. */
export interface LinearModel {
  readonly id: string;
  /** W, [D, C]. */
  readonly weight: Float32Array;
  /** b, [C]. */
  readonly bias: Float32Array;
}

export interface LinearSplit {
  /** [M, D]. */
  readonly inputs: Float32Array;
  readonly labels: readonly number[];
}

/** A pool of linear networks on which averaged logits are the logits of averaged weights: RADIN, Eq. 3 is exact. */
export interface LinearPool {
  /** Holds `radin.yaml`, `model.onnx`, `models/a.safetensors`, `models/b.safetensors`, … and the splits' `.npy` files. */
  readonly folder: string;
  readonly models: readonly LinearModel[];
  readonly validation: LinearSplit;
  readonly test: LinearSplit;
}

export interface LinearPoolOptions {
  /** N. */
  readonly models?: number;
  /** Whether `radin.yaml` names a test split. */
  readonly test?: boolean;
  /** Where the pool is written. */
  readonly folder?: string;
}

const written = new Map<string, Promise<LinearPool>>();

/** A pool of its own for each call. Copied from the first of its kind: writing one waits for the disk again and again. */
export async function linearPool({ models = 4, test = true, folder = newFolder() }: LinearPoolOptions = {}) {
  const kind = JSON.stringify([models, test]);
  const first = written.get(kind) ?? writeLinearPool(models, test, newFolder());
  written.set(kind, first);
  const pool = { ...(await first), folder };
  cpSync((await first).folder, folder, { recursive: true });
  return pool;
}

/** Models that are good in different ways: one teacher, whose answers are the labels, with noise on every weight. */
async function writeLinearPool(count: number, test: boolean, folder: string): Promise<LinearPool> {
  const random = new Random(20);
  const uniform = (length: number) => Float32Array.from({ length }, () => random.uint32() / 2 ** 31 - 1);
  const teacher: LinearModel = { id: 'teacher', weight: uniform(FEATURES * CLASSES), bias: uniform(CLASSES) };
  const split = (samples: number): LinearSplit => {
    const inputs = uniform(samples * FEATURES);
    return { inputs, labels: predictions([teacher], [1], inputs) };
  };
  const pool: LinearPool = {
    folder,
    validation: split(150),
    test: split(100),
    models: Array.from({ length: count }, (_, index) => {
      const noise = uniform(FEATURES * CLASSES);
      const weight = teacher.weight.map((value, at) => value + 1.5 * (noise[at] as number));
      return { id: index < 26 ? String.fromCharCode(97 + index) : `z${index}`, weight, bias: teacher.bias };
    }),
  };
  for (const model of pool.models) await writeModel(modelPath(pool, model.id), layers(model));
  writeFileSync(join(folder, 'model.onnx'), linearGraph({ features: FEATURES, classes: CLASSES }));
  await writeSplit(folder, 'val', pool.validation);
  await writeSplit(folder, 'test', pool.test);
  writeConfig(folder, test ? { test: '{ inputs: test_inputs.npy, labels: test_labels.npy }' } : {});
  return pool;
}

export function modelPath({ folder }: LinearPool, id: string): string {
  return join(folder, 'models', `${id}.safetensors`);
}

/** A model's tensors as its file has them. */
export function layers({ weight, bias }: LinearModel): [TensorSpec, TensorSpec] {
  return [float32('weight', [FEATURES, CLASSES], weight), float32('bias', [CLASSES], bias)];
}

async function writeSplit(folder: string, name: string, { inputs, labels }: LinearSplit): Promise<void> {
  await writeFloats(join(folder, `${name}_inputs.npy`), [inputs.length / FEATURES, FEATURES], inputs);
  await writeLabels(join(folder, `${name}_labels.npy`), labels);
}

export function writeFloats(path: string, shape: readonly number[], values: ArrayLike<number>): Promise<void> {
  return writeNpy(path, 'F32', shape, new Uint8Array(Float32Array.from(values).buffer));
}

export function writeLabels(path: string, labels: readonly number[]): Promise<void> {
  return writeNpy(path, 'I64', [labels.length], new Uint8Array(BigInt64Array.from(labels, BigInt).buffer));
}

/** Writes a `radin.yaml`; `entries` replace the usual ones or follow them, undefined leaves one out. */
export function writeConfig(folder: string, entries: Readonly<Record<string, string | undefined>> = {}): void {
  const all: typeof entries = {
    graph: 'model.onnx',
    models: "'models/*.safetensors'",
    validation: '{ inputs: val_inputs.npy, labels: val_labels.npy }',
    ...entries,
  };
  const lines = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}\n`]));
  writeFileSync(join(folder, 'radin.yaml'), lines.join(''));
}

/** Accuracy of the soup of these models, by float64 loops of its own. @param weights of the models; default: all equal */
export function accuracyOf(
  { models }: LinearPool,
  ids: readonly string[],
  { inputs, labels }: LinearSplit,
  weights: readonly number[] = ids.map(() => 1),
): number {
  const found = predictions(
    ids.map((id) => models.find((model) => model.id === id) as LinearModel),
    weights,
    inputs,
  );
  return found.filter((label, sample) => label === labels[sample]).length / labels.length;
}

function predictions(ingredients: readonly LinearModel[], weights: readonly number[], inputs: Float32Array): number[] {
  return Array.from({ length: inputs.length / FEATURES }, (_, sample) => {
    const logits = Array.from({ length: CLASSES }, (_, label) => {
      let sum = 0;
      for (const [index, { weight, bias }] of ingredients.entries()) {
        const p = weights[index] as number;
        sum += p * (bias[label] as number);
        for (let feature = 0; feature < FEATURES; feature++) {
          sum += p * (inputs[sample * FEATURES + feature] as number) * (weight[feature * CLASSES + label] as number);
        }
      }
      return sum;
    });
    return logits.indexOf(Math.max(...logits));
  });
}
