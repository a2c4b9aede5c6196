import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Random } from '@radin/core';
import { FLOAT_BYTES, type Source } from '@radin/native';
import { referenceAddProduct } from '../../../native/dist/add-product.js';
import { type AddonBinding, DTYPE_CODES, rawSources } from '../../../native/dist/addon.js';
import { FLOAT_FORMATS } from '../../../native/dist/float-formats.js';
import { below, of, once } from '../changes/choice.js';
import { bytes, DTYPES, type Files, LENGTHS, source } from './requests.js';

/** The functions of the addon that no backend has, as they are. */
export type Unshared = Pick<AddonBinding, 'canHash' | 'addProduct' | 'backends' | 'lockFile' | 'sha256' | 'stream'>;

/** Calls one of them. @param folder for files @returns what it did that it must not */
export async function unsharedFault(
  random: Random,
  addon: Unshared,
  folder: string,
  files: Files,
): Promise<string | undefined> {
  const kinds = [
    () => lockFault(random, addon, join(folder, 'lock')),
    () => streamFault(random, addon),
    () => productFault(random, addon),
    ...(addon.canHash ? [() => hashFault(random, addon, files)] : []),
  ];
  return of(random, kinds)();
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

/** A part of a product is added to numbers, to the bit. */
async function productFault(random: Random, addon: Unshared): Promise<string | undefined> {
  const [rows, rank, columns] = [below(random, 9), 1 + below(random, 5), below(random, 70)];
  const numbers = (length: number) =>
    Float64Array.from({ length }, () => (below(random, 2001) - 1000) / of(random, [1, 3, 1e-150, 1e150]));
  const [left, right] = [numbers(rows * rank), numbers(rank * columns)];
  const first = below(random, rows * columns + 1);
  const values = numbers(below(random, rows * columns - first + 1));
  const scale = of(random, [1, 0, -0.5, 1 / 3, 1e300]);
  const expected = values.slice();
  await referenceAddProduct({ values: expected, first, left, right, rank, scale });
  await addon.addProduct(values, first, left, right, rank, scale, of(random, [1, 2, 5]), new Int32Array(2));
  return Buffer.compare(new Uint8Array(values.buffer), new Uint8Array(expected.buffer)) === 0
    ? undefined
    : `a product of ${rows} × ${rank} × ${columns} from ${first} gives ${values} and not ${expected}`;
}

/** Bytes in memory and in files have the hashes that Node says, and their first NaN is where it is. */
async function hashFault(random: Random, addon: Unshared, files: Files): Promise<string | undefined> {
  const tensors = Array.from({ length: below(random, 4) }, () => {
    const dtype = of(random, DTYPES);
    const data = bytes(random, of(random, LENGTHS) * FLOAT_BYTES[dtype], dtype, once(random, 2));
    return { dtype: once(random, 4) ? undefined : dtype, source: source(random, files, data) };
  });
  const { arrays, ranges } = rawSources(tensors.map((tensor) => tensor.source));
  const codes = Int32Array.from(tensors, ({ dtype }) => (dtype === undefined ? -1 : DTYPE_CODES[dtype]));
  const [digests, nans] = [new Uint8Array(32 * tensors.length), new Float64Array(tensors.length)];
  const contents = tensors.map((tensor) => contentOf(tensor.source));
  const cut = contents.indexOf(undefined);
  try {
    await addon.sha256(arrays, ranges, codes, digests, nans, of(random, [1, 2, 5]), new Int32Array(2));
  } catch (error) {
    // Of several files that end early, any may be named: threads meet them in no order.
    const { source: refused = -1 } = error as { source?: number };
    const isCut = refused >= 0 && refused < contents.length && contents[refused] === undefined;
    return isCut ? undefined : `hashes are refused for source ${refused}: ${error}`;
  }
  if (cut !== -1) return `source ${cut}, which ends early, is hashed`;
  for (const [at, { dtype }] of tensors.entries()) {
    const content = contents[at] as Uint8Array;
    const found = Buffer.from(digests.subarray(32 * at, 32 * at + 32)).toString('hex');
    const wanted = createHash('sha256').update(content).digest('hex');
    if (found !== wanted) return `${content.length} bytes have the hash ${found} and not ${wanted}`;
    const nan = dtype === undefined ? -1 : firstNaN(content, dtype);
    if (nans[at] !== nan) return `the first NaN of ${content.length} bytes of ${dtype} is ${nans[at]} and not ${nan}`;
  }
  return undefined;
}

/** The bytes of a source; undefined where its file has fewer. */
function contentOf(from: Source): Uint8Array | undefined {
  if (from instanceof Uint8Array) return from;
  const content = new Uint8Array(from.byteLength);
  return readSync(from.fd, content, 0, content.length, from.offset) === content.length ? content : undefined;
}

function firstNaN(content: Uint8Array, dtype: keyof typeof FLOAT_BYTES): number {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const elements = Array.from({ length: content.length / FLOAT_BYTES[dtype] }, (_, at) => at);
  return elements.findIndex((at) => Number.isNaN(FLOAT_FORMATS[dtype].read(view, at * FLOAT_BYTES[dtype])));
}
