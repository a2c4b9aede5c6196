import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import type { onnx } from '#onnx';
import { Inputs } from '../../src/data/index.js';
import { OnnxEvaluator, type OnnxEvaluatorOptions } from '../../src/evaluator/index.js';
import { readOnnx, stampOf } from '../../src/formats/index.js';
import { type Checkpoint, closeCheckpoints, openCheckpoints, Pool } from '../../src/pool/index.js';
import { draw, f32, numbers, reluGraph, type TensorData, writeGraph, writeModel } from '../pools.js';

const inputsFolder = mkdtempSync(join(tmpdir(), 'radin-inputs-'));
let files = 0;
afterAll(() => rmSync(inputsFolder, { recursive: true }));

/** Data as an evaluator takes it, from a file of bytes: errors call it inputs.npy. */
export function inputsOf({ dtype, shape, bytes }: TensorData): Inputs {
  const path = join(inputsFolder, `${files++}`);
  writeFileSync(path, bytes);
  const place = { path, offset: 0, stamp: stampOf(statSync(path, { bigint: true })) };
  return new Inputs({ path: 'inputs.npy', dtype, shape, parts: [{ place, samples: shape[0] as number, path }] });
}

export async function bytesOf(inputs: Inputs): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  for await (const block of inputs.blocks()) blocks.push(block.slice());
  return new Uint8Array(Buffer.concat(blocks));
}

/** Writes a graph and models called a, b, c … and opens them; all is disposed of after the test. */
export async function openEvaluator(
  parent: string,
  graph: onnx.GraphProto.$Properties,
  models: readonly Readonly<Record<string, TensorData>>[],
  options: OnnxEvaluatorOptions = { threads: 1 },
): Promise<{ evaluator: OnnxEvaluator; models: readonly Checkpoint[] }> {
  const folder = mkdtempSync(join(parent, 'evaluator-'));
  const paths = await Promise.all(
    models.map((tensors, index) => writeModel(join(folder, `${'abcdefgh'[index]}.safetensors`), tensors)),
  );
  const checkpoints = await openCheckpoints(paths);
  onTestFinished(() => closeCheckpoints(checkpoints));
  const onnxModel = await readOnnx(writeGraph(join(folder, 'graph.onnx'), graph));
  const evaluator = await OnnxEvaluator.open(onnxModel, new Pool(checkpoints), options);
  onTestFinished(() => evaluator.dispose());
  return { evaluator, models: checkpoints };
}

const [FEATURES, HIDDEN] = [256, 1024];
export const SLOW_SAMPLES = 16_384;
const next = numbers(40);
const slowModels = [0, 1, 2].map(() => ({
  w1: f32([FEATURES, HIDDEN], draw(next, FEATURES * HIDDEN)),
  w2: f32([HIDDEN, 2], draw(next, HIDDEN * 2)),
}));

/** Inputs of the slow network that take it some tenths of a second, so that there is time to interrupt. */
export const slowInputs = inputsOf(f32([SLOW_SAMPLES, FEATURES], draw(next, SLOW_SAMPLES * FEATURES)));

/** The first of them. */
export const fewInputs = slowInputs.select(Uint32Array.from({ length: 100 }, (_, sample) => sample));

/** A network of some size and three models. */
export async function openSlow(parent: string, threads: number) {
  const { evaluator, models } = await openEvaluator(parent, reluGraph(FEATURES, HIDDEN, 2), slowModels, { threads });
  return { evaluator, models: models as readonly [Checkpoint, Checkpoint, Checkpoint] };
}
