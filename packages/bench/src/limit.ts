import { streamMemory } from '@radin/native/stream';
import type { Entrant } from './experiment.js';
import { timed } from './interleave.js';

/**
 * What the memory allows on the same threads: one sequential read of the inputs and, past the caches, one write of the
 * outputs.
 */
export function limitOf(read: readonly NodeJS.TypedArray[], write: readonly NodeJS.TypedArray[] = []): Entrant {
  const streams = { read: read.map(bytesOf), write: write.map(bytesOf) };
  const name = write.length === 0 ? 'limit: read once' : 'limit: read once, write once';
  return {
    name,
    side: 'limit',
    steps: 1,
    run: (threads) => timed(() => streamMemory(streams, { threads }))(1),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
