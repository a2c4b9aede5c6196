import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accuracy, Mixture, Problem, Soup, writeNpy, writeShardedSafetensors, writeSoup } from '@radin/core';
import { npy, zip } from '../../core/test/zip.js';
import { type PoolFlags, resolvePool } from '../src/pool/pool-files.js';
import {
  CLASSES,
  FEATURES,
  type LinearModel,
  type LinearPool,
  type LinearSplit,
  layers,
  type TensorSpec,
  writeModel,
} from './pools.js';
import { newFolder } from './scratch.js';

/** Of the soup in `Found`. */
export const WEIGHTS = [0.5, 0.3, 0, 0.2];

/** What the program makes of a pool, without a process for each. */
export interface Found {
  readonly valScores: ArrayLike<number>;
  readonly testScores: ArrayLike<number> | undefined;
  /** Of a soup of three models. */
  readonly score: number;
  readonly soup: Buffer;
  readonly notices: readonly string[];
}

export async function open(folder: string, flags: PoolFlags = {}): Promise<Problem> {
  const { files } = await resolvePool(folder, flags);
  return Problem.open(files, { metric: accuracy, backend: 'auto', threads: 1 });
}

export async function found(folder: string, flags: PoolFlags = {}): Promise<Found> {
  const problem = await open(folder, flags);
  try {
    const { pool, backend, validation, notices } = problem;
    const soup = new Soup(pool, Mixture.of(WEIGHTS), backend);
    const path = join(newFolder(), 'soup.safetensors');
    await writeSoup(path, soup, pool);
    return {
      valScores: await validation.individualScores(),
      testScores: await (await problem.openTest())?.individualScores(),
      score: (await validation.evaluate(soup)).score,
      soup: readFileSync(path),
      notices,
    };
  } finally {
    await problem.dispose();
  }
}

/** Writes weights and biases in two files with an index. */
async function writeShards(path: string, tensors: readonly TensorSpec[], most = 100): Promise<void> {
  const infos = tensors.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, byteLength: bytes.length }));
  await writeShardedSafetensors(
    path,
    infos,
    new Map(),
    ({ name }, write) => write(tensors.find((tensor) => tensor.name === name)?.bytes as Uint8Array),
    most,
  );
}

export const CHECKPOINTS = 'checkpoints';

export async function inFolders({ folder, models }: LinearPool, shards: boolean): Promise<void> {
  for (const model of models) {
    const own = join(folder, CHECKPOINTS, model.id);
    mkdirSync(own, { recursive: true });
    await writeShards(join(own, 'model.safetensors'), layers(model), shards ? 100 : 1000);
  }
}

export async function prefixed({ folder, models }: LinearPool, prefix: string): Promise<void> {
  for (const model of models) {
    const tensors = layers(model).map((tensor) => ({ ...tensor, name: `${prefix}${tensor.name}` }));
    await writeModel(join(folder, 'models', `${model.id}.safetensors`), tensors);
  }
}

const oneHot = ({ labels }: LinearSplit) =>
  Uint8Array.from({ length: labels.length * CLASSES }, (_, at) =>
    labels[Math.floor(at / CLASSES)] === at % CLASSES ? 1 : 0,
  );

export function archive(path: string, { inputs, labels }: LinearSplit, deflated: boolean): void {
  const entries = [
    { name: 'x.npy', bytes: npy('<f4', [labels.length, FEATURES], inputs), deflated },
    { name: 'y.npy', bytes: npy('|u1', [labels.length, CLASSES], oneHot({ inputs, labels })), deflated },
  ];
  writeFileSync(path, zip(entries));
}

/** A file and a folder that a pattern of models also matches: a file among them, so that folders without a model are left out. */
export async function otherThings(pool: LinearPool): Promise<void> {
  await inFolders(pool, true);
  const { folder } = pool;
  mkdirSync(join(folder, CHECKPOINTS, 'logs'));
  renameSync(join(folder, CHECKPOINTS, 'd'), join(folder, 'd'));
  await writeModel(join(folder, CHECKPOINTS, 'd.safetensors'), layers(pool.models[3] as LinearModel));
}

export async function writeParts({ folder, validation }: LinearPool): Promise<void> {
  const bounds = [0, 40, 41, 150];
  for (const [part, begin] of bounds.slice(0, -1).entries()) {
    const rows = validation.inputs.subarray(begin * FEATURES, (bounds[part + 1] as number) * FEATURES);
    await writeNpy(
      join(folder, `part-${part}.npy`),
      'F32',
      [rows.length / FEATURES, FEATURES],
      new Uint8Array(rows.slice().buffer),
    );
  }
}
