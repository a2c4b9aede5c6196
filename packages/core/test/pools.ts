import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Mixture } from '../src/mixture/index.js';
import { type Checkpoint, Pool } from '../src/pool/index.js';
import { draw, f32, linearGraph, numbers, reluGraph, tensor, writeArray, writeGraph, writeModel } from './files.js';

export * from './files.js';

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

type Weights = Readonly<Record<string, Float32Array>>;

interface TinySplit {
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
    hidden === undefined ? { w: [features, classes], b: [classes] } : { w1: [features, hidden], w2: [hidden, classes] };
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
function argMax(logits: ArrayLike<number>, sample: number, classes: number): number {
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

/** The models of a mixture as often as they were taken: those whose plain mean it is. */
export function membersOf({ weights, ingredients }: Mixture): number[] {
  const isWhole = (taken: number) =>
    ingredients.every((k) => Math.abs(count(k, taken) - Math.round(count(k, taken))) < 1e-9);
  const count = (k: number, taken: number) => (weights[k] as number) * taken;
  let taken = ingredients.length;
  while (!isWhole(taken)) taken++;
  return ingredients.flatMap((k) => Array<number>(Math.round(count(k, taken))).fill(k));
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

/**
 * Models in no file, which can only be read: model k has (k + 1) · (i mod 257) as element i of `large`, and the first three of these as `small`.
 * @returns also `largest`, the most bytes that were read at once of one tensor, and the weights of `large`, which may be changed
 */
export function readOnlyPool(
  models: number,
  length: number,
): { readonly pool: Pool; readonly largest: () => number; readonly weights: readonly Float32Array[] } {
  let largest = 0;
  const weights = Array.from({ length: models }, (_, k) => {
    const values = new Float32Array(length);
    for (let at = 0; at < length; at++) values[at] = (k + 1) * (at % 257);
    return values;
  });
  const checkpoints = weights.map(
    (values, k): Checkpoint => ({
      id: `m${k}`,
      tensors: [
        { name: 'small', dtype: 'F32', shape: [3], byteLength: 12 },
        { name: 'large', dtype: 'F32', shape: [length], byteLength: 4 * length },
      ],
      read: async (_, target, byteOffset = 0) => {
        largest = Math.max(largest, target.byteLength);
        target.set(new Uint8Array(values.buffer, byteOffset, target.byteLength));
      },
    }),
  );
  return { pool: new Pool(checkpoints), largest: () => largest, weights };
}
