import { createHash } from 'node:crypto';
import { type Checkpoint, FileCheckpoint, openAnyOnnx, openNpzArrays, readNpy } from '@radin/core';
import type { ReadTensor } from '../reader.js';

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export async function readNpyTensors(path: string): Promise<ReadTensor[]> {
  const { dtype, shape, data } = await readNpy(path);
  return [{ name: '', dtype, shape, sha256: digest(data) }];
}

export async function readNpzTensors(path: string): Promise<ReadTensor[]> {
  const tensors: ReadTensor[] = [];
  for await (const [name, array] of openNpzArrays(path)) {
    const { dtype, shape } = array;
    tensors.push({ name, dtype, shape, sha256: digest(await array.read()) });
  }
  return tensors;
}

async function readAll(
  { tensors }: Pick<Checkpoint, 'tensors'>,
  read: (name: string, target: Uint8Array) => Promise<void>,
): Promise<ReadTensor[]> {
  const found: ReadTensor[] = [];
  for (const { name, dtype, shape, byteLength } of tensors) {
    const bytes = new Uint8Array(byteLength);
    await read(name, bytes);
    found.push({ name, dtype, shape, sha256: digest(bytes) });
  }
  return found;
}

/** Of any format. @param base the model that an adapter changes */
export async function readCheckpointTensors(path: string, base?: string): Promise<ReadTensor[]> {
  const checkpoint = await FileCheckpoint.open('m', path, base === undefined ? {} : { base });
  try {
    return await readAll(checkpoint, (name, target) => checkpoint.read(name, target));
  } finally {
    await checkpoint.close();
  }
}

/** All initializers of the main graph whose data the file has, weights or not. */
export async function readOnnxTensors(path: string): Promise<ReadTensor[]> {
  const file = await openAnyOnnx(path);
  try {
    const weights = await readAll(file, (name, target) => file.read(name, target));
    const known = new Set(weights.map(({ name }) => name));
    const others = file.graph.initializers.flatMap(({ name, dtype, shape, data }) =>
      known.has(name) || data === undefined ? [] : [{ name, dtype, shape, sha256: digest(data) }],
    );
    return [...weights, ...others];
  } finally {
    await file.close();
  }
}
