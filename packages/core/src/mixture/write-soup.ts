import {
  inWritingOrder,
  type ProduceTensor,
  type TensorInfo,
  type WrittenModel,
  writeSafetensors,
  writeShardedSafetensors,
} from '../formats/index.js';
import { type Checkpoint, FileCheckpoint, type Pool, readTensors } from '../pool/index.js';
import type { MixedCheckpoint } from './soup.js';

/** Bytes of the checkpoint that are read, or averaged, at a time; two of these windows are in memory while it is written. */
const WINDOW_BYTES = 8 * 2 ** 20;

/** Windows hold each tensor at a multiple of this, so that its bytes are aligned. */
const ALIGNMENT = 64;

/**
 * Writes a soup as a safetensors file, or in shards of at most `maxShardBytes` of tensors, wholly or not at all (see
 * `writeShardedSafetensors`), with the same bytes whatever the formats of its ingredients' files and the order of their tensors. Metadata
 * is kept that all ingredients share whose format has a place for it, and `radin` holds the ingredients' ids and weights as JSON.
 */
export async function writeSoup(
  path: string,
  soup: MixedCheckpoint,
  pool: Pool,
  options: { readonly signal?: AbortSignal; readonly maxShardBytes?: number } = {},
): Promise<WrittenModel> {
  const { ingredients, weights } = soup.mixture;
  const metadata = new Map(sharedMetadata(ingredients.map((index) => pool.checkpoints[index])));
  metadata.set(
    'radin',
    JSON.stringify({
      models: ingredients.map((index) => pool.ids[index]),
      weights: ingredients.map((index) => weights[index]),
    }),
  );
  return writeTensors(path, soup, metadata, options);
}

/** Writes any checkpoint as one safetensors file without metadata, wholly or not at all. */
export async function writeCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  await writeTensors(path, checkpoint, new Map(), options);
}

async function writeTensors(
  path: string,
  checkpoint: Checkpoint,
  metadata: ReadonlyMap<string, string>,
  options: { readonly signal?: AbortSignal; readonly maxShardBytes?: number },
): Promise<WrittenModel> {
  const tensors = [...checkpoint.tensors].sort(inWritingOrder);
  const chunks = readChunks(checkpoint, tensors, options);
  const produce: ProduceTensor = async ({ byteLength }, write) => {
    for (let left = byteLength; left > 0; ) {
      const { value } = await chunks.next();
      await write(value as Uint8Array);
      left -= (value as Uint8Array).byteLength;
    }
  };
  const { maxShardBytes } = options;
  try {
    return maxShardBytes === undefined
      ? { path, ...(await writeSafetensors(path, tensors, metadata, produce, options)) }
      : await writeShardedSafetensors(path, tensors, metadata, produce, maxShardBytes, options);
  } finally {
    await chunks.return(undefined);
  }
}

/** The bytes in the order of `tensors`, one tensor's at a time; the next window is read, or averaged, meanwhile. */
async function* readChunks(
  checkpoint: Checkpoint,
  tensors: readonly TensorInfo[],
  options: { signal?: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const windows = windowsOf(tensors);
  const buffers = windows.slice(0, 2).map(() => new Uint8Array(WINDOW_BYTES));
  const read = async (index: number) => {
    const reads = (windows[index] ?? []).map(({ name, byteOffset, begin, end }) => ({
      name,
      byteOffset,
      target: (buffers[index % 2] as Uint8Array).subarray(begin, end),
    }));
    if (reads.length > 0) await readTensors(checkpoint, reads, options);
    return reads.map(({ target }) => target);
  };
  let current = read(0);
  let next = current;
  try {
    for (let index = 0; index < windows.length; index++) {
      next = read(index + 1);
      next.catch(() => {}); // thrown when its turn comes
      yield* await current;
      current = next;
    }
  } finally {
    // The files must stay open until nothing reads from them.
    await Promise.allSettled([current, next]);
  }
}

/** A part of a tensor and where it stands in its window. */
interface WindowPart {
  readonly name: string;
  readonly byteOffset: number;
  readonly begin: number;
  readonly end: number;
}

/** Divides tensors into windows of WINDOW_BYTES at most: many small tensors or parts of one. */
function windowsOf(tensors: readonly TensorInfo[]): WindowPart[][] {
  const windows: WindowPart[][] = [];
  let begin = WINDOW_BYTES;
  for (const { name, byteLength } of tensors) {
    for (let byteOffset = 0; byteOffset < byteLength; ) {
      if (begin >= WINDOW_BYTES) {
        windows.push([]);
        begin = 0;
      }
      const end = Math.min(begin + byteLength - byteOffset, WINDOW_BYTES);
      windows.at(-1)?.push({ name, byteOffset, begin, end });
      byteOffset += end - begin;
      begin = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    }
  }
  return windows;
}

function sharedMetadata(checkpoints: readonly unknown[]): [string, string][] {
  const files = checkpoints.filter((checkpoint) => checkpoint instanceof FileCheckpoint);
  const [first, ...others] = files.flatMap(({ metadata }) => metadata ?? []);
  return [...(first ?? [])].filter(([key, value]) => others.every((metadata) => metadata.get(key) === value));
}
