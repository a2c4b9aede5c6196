/** Calls `visit` for every block of samples, and lets the event loop turn between blocks, so that a signal can be aborted. */
export async function forEachBlock(
  samples: number,
  block: number,
  signal: AbortSignal | undefined,
  visit: (first: number, count: number) => void,
): Promise<void> {
  for (let first = 0; first < samples; first += block) {
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    visit(first, Math.min(block, samples - first));
  }
}
