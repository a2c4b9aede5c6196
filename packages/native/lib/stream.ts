/** The limit that kernels are measured against: memory read and written once, in no computation's service. */

import { loadAddon, runCall } from './addon.js';
import type { RunOptions } from './backend.js';
import { checkOptions } from './validate.js';

/**
 * Reads each byte of `read` once, in the order of the addresses, and fills `write` with zeros past the caches where the
 * processor can; writes are spread evenly between the reads. Runs on the fastest instruction set that is available.
 * @returns the sum of the 32-bit words read, modulo 2^32; zeros complete the last word of each array
 * @throws Error whose message says in one line why the addon cannot be used
 */
export async function streamMemory(
  { read, write }: { readonly read: readonly Uint8Array[]; readonly write: readonly Uint8Array[] },
  options: RunOptions = {},
): Promise<number> {
  const run = checkOptions(options);
  const addon = loadAddon();
  const listed = addon.backends(null);
  const fastest = listed.findIndex((_, index) => listed[2 * index + 1] === '');
  return runCall((state) => addon.stream(fastest, read, write, run.threads, state), run);
}
