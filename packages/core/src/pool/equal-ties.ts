import { isFloat, type OnnxModel, type TensorInfo } from '../formats/index.js';
import type { FileCheckpoint } from './checkpoint.js';

/** Tells nearly all tensors apart. */
const FIRST_BYTES = 4096;
/** Compared at a time: tensors may be larger than memory. */
const BLOCK = 1 << 20;

/**
 * Ties the weights that the graph does not have by their names to those of equal numbers: files such as soups in safetensors hold weights that layers
 * share once for each name, and do not say so. Cost: reads the beginnings of tensors of one shape, and equal ones whole; nothing
 * where the graph has all names. @throws RadinError on unreadable files and NaN weights
 */
export async function tieEqualTensors(graph: OnnxModel, checkpoints: readonly FileCheckpoint[]): Promise<void> {
  const known = new Set(graph.initializers.map(({ name }) => name));
  for (const checkpoint of checkpoints) {
    const floats = checkpoint.tensors.filter(({ dtype, byteLength }) => isFloat(dtype) && byteLength > 0);
    if (floats.every(({ name }) => known.has(name))) continue;
    const groups = new Map<string, TensorInfo[]>();
    for (const tensor of floats) {
      const layout = `${tensor.dtype} ${tensor.shape.join(',')}`;
      groups.set(layout, [...(groups.get(layout) ?? []), tensor]);
    }
    for (const alike of groups.values()) {
      if (alike.length < 2 || alike.every(({ name }) => known.has(name))) continue;
      for (const equal of await equalTensors(checkpoint, alike)) checkpoint.tie(equal.map(({ name }) => name));
    }
  }
}

/** The groups of two and more tensors, of one layout, that have the same bits. */
async function equalTensors(checkpoint: FileCheckpoint, alike: readonly TensorInfo[]): Promise<TensorInfo[][]> {
  const byBeginning = new Map<string, TensorInfo[][]>();
  for (const tensor of alike) {
    const beginning = await bytesOf(checkpoint, tensor, 0, FIRST_BYTES);
    const key = beginning.toString('latin1');
    const groups = byBeginning.get(key) ?? [];
    byBeginning.set(key, groups);
    let own: TensorInfo[] | undefined;
    for (const group of groups) {
      if (await isEqual(checkpoint, group[0] as TensorInfo, tensor)) own = group;
    }
    if (own === undefined) groups.push([tensor]);
    else own.push(tensor);
  }
  return [...byBeginning.values()].flat().filter(({ length }) => length > 1);
}

async function isEqual(checkpoint: FileCheckpoint, one: TensorInfo, other: TensorInfo): Promise<boolean> {
  for (let offset = 0; offset < one.byteLength; offset += BLOCK) {
    const block = await bytesOf(checkpoint, one, offset, BLOCK);
    if (!block.equals(await bytesOf(checkpoint, other, offset, BLOCK))) return false;
  }
  return true;
}

async function bytesOf(checkpoint: FileCheckpoint, tensor: TensorInfo, offset: number, most: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(most, tensor.byteLength - offset));
  await checkpoint.read(tensor.name, bytes, offset);
  return bytes;
}
