import { createHash, webcrypto } from 'node:crypto';
import { canHashTensors, hashTensors, SourceError } from '@radin/native';
import { dtypeBytes, isFloatDtype, type TensorFile, type TensorInfo } from '../formats/index.js';
import type { Checkpoint, TensorSource } from './checkpoint.js';
import { findNaN } from './nan.js';

const WINDOW_BYTES = 4 * 2 ** 20;
/** Tensors of up to so many bytes are hashed in one piece, by a thread of the system's pool; larger ones in windows. */
const WHOLE_BYTES = 16 * 2 ** 20;

/** What a tensor of a file holds, whether or not the file can be a model. */
export interface TensorContent {
  /** Of its bytes, hexadecimal. */
  readonly sha256: string;
  /** The first element that is NaN; absent where none is. */
  readonly firstNaN?: number;
}

/** Reads the tensor once; 4 MiB of memory at most. @throws RadinError for files that cannot be read */
export async function tensorContent(file: TensorFile, { name, dtype, byteLength }: TensorInfo): Promise<TensorContent> {
  await file.check?.(name);
  const hash = createHash('sha256');
  const window = new Uint8Array(Math.min(byteLength, WINDOW_BYTES));
  let nan = -1;
  for (let offset = 0; offset < byteLength; offset += WINDOW_BYTES) {
    const part = window.subarray(0, Math.min(WINDOW_BYTES, byteLength - offset));
    await file.read(name, part, offset);
    hash.update(part);
    const found = nan < 0 ? findNaN(part, dtype) : -1;
    if (found >= 0) nan = offset / dtypeBytes(dtype) + found;
  }
  return { sha256: hash.digest('hex'), ...(nan >= 0 && { firstNaN: nan }) };
}

/**
 * SHA-256 over the names, dtypes, shapes and values of all tensors in the order of their names: equal for two models
 * exactly when their weights are, whatever their files' metadata and tensor order. Reads the whole model; 32 MiB of memory at most, or 1 MiB
 * for each core.
 * @throws RadinError as reading does, with NaN weights too; the signal's reason once it is aborted
 */
export async function contentSha256(checkpoint: Checkpoint, options: { signal?: AbortSignal } = {}): Promise<string> {
  const tensors = [...checkpoint.tensors].sort((a, b) => (a.name < b.name ? -1 : 1));
  const hashes = await tensorHashes(checkpoint, tensors, options);
  const hash = createHash('sha256');
  for (const [at, { name, dtype, shape }] of tensors.entries()) {
    hash.update(JSON.stringify([name, dtype, shape, hashes[at]]));
  }
  return hash.digest('hex');
}

/** The hash of each tensor: of those that lie in files by native code on all cores, where it can, of the others through `read`. */
async function tensorHashes(
  checkpoint: Checkpoint,
  tensors: readonly TensorInfo[],
  options: { signal?: AbortSignal },
): Promise<string[]> {
  const placed = new Map<TensorInfo, TensorSource>();
  for (const tensor of canHashTensors() ? tensors : []) {
    options.signal?.throwIfAborted();
    const source = await checkpoint.source?.(tensor.name);
    if (source !== undefined) placed.set(tensor, source);
  }
  const hashes = await hashesInFiles(placed, options);
  const others = tensors.filter((tensor) => !placed.has(tensor));
  // One for all tensors: the system takes longer to supply fresh memory than to read a file that it has in its own.
  const window = new Uint8Array(others.reduce((most, tensor) => Math.max(most, windowBytes(tensor)), 0));
  for (const tensor of others) hashes.set(tensor, await sha256Through(window, checkpoint, tensor, options));
  return tensors.map((tensor) => hashes.get(tensor) as string);
}

async function hashesInFiles(
  placed: ReadonlyMap<TensorInfo, TensorSource>,
  options: { signal?: AbortSignal },
): Promise<Map<TensorInfo, string>> {
  const [tensors, sources] = [[...placed.keys()], [...placed.values()]];
  const requests = tensors.map(({ dtype }, at) => ({
    source: (sources[at] as TensorSource).range,
    ...(isFloatDtype(dtype) && { dtype }),
  }));
  const hashes = await hashTensors(requests, options).catch((error: unknown) => {
    throw error instanceof SourceError ? sources[error.source]?.unreadable(error) : error;
  });
  return new Map(
    hashes.map(({ sha256, firstNaN }, at) => {
      if (firstNaN >= 0) throw (sources[at] as TensorSource).notFinite(firstNaN);
      return [tensors[at] as TensorInfo, sha256];
    }),
  );
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
