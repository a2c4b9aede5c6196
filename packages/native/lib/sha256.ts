/** SHA-256 of ranges of files, for checkpoints whose contents must be known and not believed. */

import { type AddonBinding, DTYPE_CODES, loadAddon, rawSources, runCall } from './addon.js';
import type { FloatDtype, RunOptions, Source } from './backend.js';
import { checkSource } from './check-source.js';
import { checkOptions, requireArray, requireDtype } from './validate.js';

/** The code of elements of which none can be NaN. */
const NEVER_NAN = -1;
const DIGEST_BYTES = 32;

/** Bytes to hash. */
export interface HashedTensor {
  readonly source: Source;
  /** Of the elements, where they are floats. */
  readonly dtype?: FloatDtype;
}

export interface TensorHash {
  /** Hexadecimal. */
  readonly sha256: string;
  /** Index of the first element that is NaN, −1 where none is. */
  readonly firstNaN: number;
}

/** Whether `hashTensors` can be used: the addon is there, and finds OpenSSL's functions in Node. Without them core hashes by `node:crypto`. */
export function canHashTensors(): boolean {
  return hashingAddon() !== undefined;
}

/**
 * SHA-256 of each tensor's bytes and its first NaN, from one read of them. Threads share the tensors, the longest first.
 * Cost: 0.5 s of one thread per GB; 1 MiB of memory per thread.
 * @throws Error where `canHashTensors` says no; SourceError where a file cannot be read or changes meanwhile; the signal's reason once it is aborted
 */
export async function hashTensors(
  tensors: readonly HashedTensor[],
  options: RunOptions = {},
): Promise<readonly TensorHash[]> {
  const run = checkOptions(options);
  requireArray(tensors, 'tensors');
  const sources = tensors.map(({ source }, index) => checkSource(source, `tensors[${index}].source`));
  const dtypes = Int32Array.from(tensors, ({ dtype }, index) => {
    if (dtype === undefined) return NEVER_NAN;
    requireDtype(dtype, `tensors[${index}].dtype`);
    return DTYPE_CODES[dtype];
  });
  const addon = hashingAddon();
  if (addon === undefined) throw new Error('Expected the addon and OpenSSL in the host');
  const { arrays, ranges } = rawSources(sources);
  const digests = new Uint8Array(tensors.length * DIGEST_BYTES);
  const firstNaN = new Float64Array(tensors.length);
  await runCall((state) => addon.sha256(arrays, ranges, dtypes, digests, firstNaN, run.threads, state), run);
  return tensors.map((_, index) => ({
    sha256: Buffer.from(digests.buffer, index * DIGEST_BYTES, DIGEST_BYTES).toString('hex'),
    firstNaN: firstNaN[index] as number,
  }));
}

function hashingAddon(): AddonBinding | undefined {
  try {
    const addon = loadAddon();
    return addon.canHash ? addon : undefined;
  } catch {
    return undefined; // not built, or not for this machine
  }
}
