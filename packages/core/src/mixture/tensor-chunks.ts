import type { TensorInfo } from '../formats/index.js';
import { type Checkpoint, readTensors } from '../pool/index.js';

/** Bytes of the checkpoint that are read, or averaged, at a time; two of these windows are in memory while it is written. */
const WINDOW_BYTES = 8 * 2 ** 20;

/** Windows hold each tensor at a multiple of this, so that its bytes are aligned. */
const ALIGNMENT = 64;

/**
 * The bytes in the order of `tensors`, one tensor's at a time; the next window is read, or averaged, meanwhile. The same pieces for all
 * checkpoints of these tensors; a piece is overwritten after the next one is asked for.
 */
export async function* tensorChunks(
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
