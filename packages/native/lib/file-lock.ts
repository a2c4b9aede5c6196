import { constants } from 'node:os';
import { type AddonBinding, loadAddon } from './addon.js';

/** What came of asking for a lock: it is ours, another has it, or there is none to be had, and why. */
export type FileLock = { readonly kind: 'ours' | 'taken' } | { readonly kind: 'none'; readonly reason: string };

/**
 * Locks an open file for whoever opened it, without waiting. The kernel keeps the lock until the file is closed, or its process ends in
 * whatever way; child processes do not inherit it. It keeps out only those that ask for it too.
 * @param descriptor of a file that is open
 */
export function lockFile(descriptor: number): FileLock {
  let addon: AddonBinding;
  try {
    addon = loadAddon();
  } catch (error) {
    return { kind: 'none', reason: (error as Error).message };
  }
  const errno = addon.lockFile(descriptor);
  if (errno === 0) return { kind: 'ours' };
  if (errno === constants.errno.EWOULDBLOCK) return { kind: 'taken' };
  const [name = `error ${errno}`] = Object.entries(constants.errno).find(([, number]) => number === errno) ?? [];
  return { kind: 'none', reason: `the file system refuses it (${name})` };
}
