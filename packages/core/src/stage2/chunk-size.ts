/** Chunks of a pass: a loser is stopped within a thirtieth of a pass of where it could be. */
const CHUNKS = 32;

/** Samples of a chunk: whole batches, so that batches are the same however many chunks are evaluated at once. */
export function chunkSize(samples: number, batch: number): number {
  return batch * Math.ceil(Math.ceil(samples / batch) / CHUNKS);
}
