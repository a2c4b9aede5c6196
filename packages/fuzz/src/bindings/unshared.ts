import { closeSync, openSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Random } from '@radin/core';
import { below, of, once } from '../changes/choice.js';

/** The functions of the addon that no backend has, as they are. */
export interface Unshared {
  /** Name and reason for being unavailable, or '', of one backend after the other. */
  backends(cudaLibrary: string | null): string[];
  lockFile(descriptor: number): number;
  stream(
    backend: number,
    read: readonly Uint8Array[],
    write: readonly Uint8Array[],
    threads: number,
    state: Int32Array,
  ): Promise<number>;
}

/** Calls them. @param folder for files @returns what they did that they must not */
export async function unsharedFault(random: Random, addon: Unshared, folder: string): Promise<string | undefined> {
  return once(random, 2) ? lockFault(random, addon, join(folder, 'lock')) : streamFault(random, addon);
}

/** One of two who opened a file has its lock, until it closes it. */
function lockFault(random: Random, addon: Unshared, path: string): string | undefined {
  writeFileSync(path, '');
  const open = () => openSync(path, of(random, ['r', 'r+']));
  const [first, second] = [open(), open()];
  const given = [addon.lockFile(first), addon.lockFile(first), addon.lockFile(second)];
  closeSync(first);
  given.push(addon.lockFile(second));
  closeSync(second);
  given.push(addon.lockFile(second));
  const { EWOULDBLOCK, EBADF } = constants.errno;
  const expected = [0, 0, EWOULDBLOCK, 0, EBADF];
  return `${given}` === `${expected}` ? undefined : `locks give ${given} and not ${expected}`;
}

/** Every byte is read and added up in words, and every byte is written. */
async function streamFault(random: Random, addon: Unshared): Promise<string | undefined> {
  const arrays = () =>
    Array.from({ length: below(random, 4) }, () => {
      const shift = below(random, 9);
      const length = of(random, [0, 1, 3, 4, 63, 64, 65, 1000, 5000]);
      return new Uint8Array(shift + length + 8).map(() => below(random, 256)).subarray(shift, shift + length);
    });
  const [read, write] = [arrays(), arrays()];
  const before = write.map(({ buffer }) => new Uint8Array(buffer.slice(0)));
  const listed = addon.backends(null);
  const available = listed.flatMap((_, at) => (listed[2 * at + 1] === '' ? [at] : []));
  const sum = await addon.stream(of(random, available), read, write, of(random, [1, 2, 5]), new Int32Array(2));
  const expected = read
    .flatMap((bytes) => Array.from(bytes, (byte, at) => byte * 2 ** (8 * (at % 4))))
    .reduce((total, word) => (total + word) % 2 ** 32, 0);
  if (sum !== expected)
    return `a stream of ${read.map(({ length }) => length)} bytes has the sum ${sum} and not ${expected}`;
  for (const [at, bytes] of write.entries()) {
    const { byteOffset, byteLength, buffer } = bytes;
    const wanted = (before[at] as Uint8Array).fill(0, byteOffset, byteOffset + byteLength);
    if (Buffer.compare(wanted, new Uint8Array(buffer)) !== 0)
      return `a stream writes other bytes than its ${byteLength}`;
  }
  return undefined;
}
