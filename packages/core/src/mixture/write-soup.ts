import { type WrittenFile, writeSafetensors } from '../formats/index.js';
import { FileCheckpoint, type Pool } from '../pool/index.js';
import type { Soup } from './soup.js';

/** Bytes of the soup in memory at once while it is written. */
const WINDOW_BYTES = 4 * 2 ** 20;

/**
 * Writes a soup as a safetensors file, wholly or not at all. Metadata that all ingredients share is kept, and `radin` holds
 * the ingredients' ids and weights as JSON.
 */
export function writeSoup(
  path: string,
  soup: Soup,
  pool: Pool,
  options: { signal?: AbortSignal } = {},
): Promise<WrittenFile> {
  const { ingredients, weights } = soup.mixture;
  const metadata = new Map(sharedMetadata(ingredients.map((index) => pool.checkpoints[index])));
  metadata.set(
    'radin',
    JSON.stringify({
      models: ingredients.map((index) => pool.ids[index]),
      weights: ingredients.map((index) => weights[index]),
    }),
  );
  return writeSafetensors(
    path,
    soup.tensors,
    metadata,
    async (tensor, write) => {
      const window = new Uint8Array(Math.min(WINDOW_BYTES, tensor.byteLength));
      for (let offset = 0; offset < tensor.byteLength; offset += window.length) {
        const part = window.subarray(0, Math.min(window.length, tensor.byteLength - offset));
        await soup.read(tensor.name, part, offset);
        await write(part);
      }
    },
    options,
  );
}

function sharedMetadata(checkpoints: readonly unknown[]): [string, string][] {
  const files = checkpoints.filter((checkpoint) => checkpoint instanceof FileCheckpoint);
  const [first, ...others] = files.map(({ metadata }) => metadata);
  return [...(first ?? [])].filter(([key, value]) => others.every((metadata) => metadata.get(key) === value));
}
