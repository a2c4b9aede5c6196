import { createHash, webcrypto } from 'node:crypto';
import type { TensorInfo } from '../formats/index.js';
import type { Checkpoint } from './checkpoint.js';

const WINDOW_BYTES = 4 * 2 ** 20;
/** Tensors of up to so many bytes are hashed in one piece, by a thread of the system's pool; larger ones in windows. */
const WHOLE_BYTES = 16 * 2 ** 20;

/** SHA-256 of one tensor's bytes, hexadecimal. Reads the tensor once; 32 MiB of memory at most. */
export function tensorSha256(
  checkpoint: Checkpoint,
  tensor: TensorInfo,
  options: { signal?: AbortSignal } = {},
): Promise<string> {
  return sha256Through(new Uint8Array(windowBytes(tensor)), checkpoint, tensor, options);
}

/**
 * SHA-256 over the names, dtypes, shapes and values of all tensors in the order of their names: equal for two models
 * exactly when their weights are, whatever their files' metadata and tensor order. Reads the whole model; 32 MiB of memory at most.
 * @throws RadinError as reading does; the signal's reason once it is aborted
 */
export async function contentSha256(checkpoint: Checkpoint, options: { signal?: AbortSignal } = {}): Promise<string> {
  const hash = createHash('sha256');
  // One for all tensors: the system takes longer to supply fresh memory than to read a file that it has in its own.
  const window = new Uint8Array(checkpoint.tensors.reduce((most, tensor) => Math.max(most, windowBytes(tensor)), 0));
  for (const tensor of [...checkpoint.tensors].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const values = await sha256Through(window, checkpoint, tensor, options);
    hash.update(JSON.stringify([tensor.name, tensor.dtype, tensor.shape, values]));
  }
  return hash.digest('hex');
}

function windowBytes({ byteLength }: TensorInfo): number {
  return byteLength <= WHOLE_BYTES ? byteLength : WINDOW_BYTES;
}

/** @param window of `windowBytes` at least, which is overwritten */
async function sha256Through(
  window: Uint8Array,
  checkpoint: Checkpoint,
  tensor: TensorInfo,
  { signal }: { signal?: AbortSignal },
): Promise<string> {
  signal?.throwIfAborted();
  if (tensor.byteLength <= WHOLE_BYTES) {
    const bytes = window.subarray(0, tensor.byteLength);
    await checkpoint.read(tensor.name, bytes);
    return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
  }
  const hash = createHash('sha256');
  for (let offset = 0; offset < tensor.byteLength; offset += WINDOW_BYTES) {
    signal?.throwIfAborted();
    const part = window.subarray(0, Math.min(WINDOW_BYTES, tensor.byteLength - offset));
    await checkpoint.read(tensor.name, part, offset);
    hash.update(part);
  }
  return hash.digest('hex');
}

/** Groups of two or more models with equal weights. Reads every model whole. */
export async function duplicates(checkpoints: readonly Checkpoint[]): Promise<Checkpoint[][]> {
  const digests = new Map<Checkpoint, string>();
  for (const checkpoint of checkpoints) digests.set(checkpoint, await contentSha256(checkpoint));
  return groupsOfEqual(digests);
}

/** Groups of two or more models with the same digest. */
export function groupsOfEqual(digests: ReadonlyMap<Checkpoint, string>): Checkpoint[][] {
  const groups = new Map<string, Checkpoint[]>();
  for (const [checkpoint, digest] of digests) groups.set(digest, [...(groups.get(digest) ?? []), checkpoint]);
  return [...groups.values()].filter((group) => group.length > 1);
}
