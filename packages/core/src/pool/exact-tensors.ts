import { quote, RadinError } from '../errors/index.js';
import type { Dtype, TensorInfo } from '../formats/index.js';
import type { Checkpoint } from './checkpoint.js';

const AVERAGED: readonly Dtype[] = ['F16', 'BF16', 'F32', 'F64'];

/** Whether a soup holds the average of this tensor. Eight-bit floats are too coarse for one. */
export function isAveraged({ dtype }: TensorInfo): boolean {
  return AVERAGED.includes(dtype);
}

/**
 * Whether a tensor must be equal in all ingredients because it has no average: integers, booleans, complex numbers.
 * BatchNorm's step counter is the exception that every pool of convolutional networks has: it differs between models that
 * trained for different times and no prediction depends on it, so a soup takes its first ingredient's.
 */
export function mustBeEqual(tensor: TensorInfo): boolean {
  return !isAveraged(tensor) && !isStepCounter(tensor.name);
}

function isStepCounter(name: string): boolean {
  return name === 'num_batches_tracked' || name.endsWith('.num_batches_tracked');
}

/** The error for two models whose tensor without an average differs. */
export function unequalTensor({ name, dtype }: TensorInfo, a: string, b: string): RadinError {
  return new RadinError(
    'POOL',
    `Expected tensor ${quote(name)}, ${dtype}, which has no average, to be equal in all models but found different values in ${quote(a)} and ${quote(b)}`,
  );
}

/**
 * Compares the tensors without an average of all models, so that no search ends in a soup that cannot be written. Reads
 * these tensors only, which are small. @throws RadinError naming the first that differs and both models
 */
export async function checkEqualTensors(checkpoints: readonly Checkpoint[]): Promise<void> {
  const [first, ...others] = checkpoints;
  for (const tensor of first?.tensors.filter(mustBeEqual) ?? []) {
    const expected = await whole(first as Checkpoint, tensor);
    for (const other of others) {
      if (Buffer.compare(expected, await whole(other, tensor)) !== 0) {
        throw unequalTensor(tensor, (first as Checkpoint).id, other.id);
      }
    }
  }
}

async function whole(checkpoint: Checkpoint, { name, byteLength }: TensorInfo): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  await checkpoint.read(name, bytes);
  return bytes;
}
