/**
 * The file of one result: a prefix (magic with the format's version, length of the key's text), the key's text, the result's
 * bytes, and the SHA-256 of all before. Files are untrusted: nothing is taken from one unless its length, its key and its
 * checksum are what they must be.
 */
import { createHash } from 'node:crypto';
import { RadinError } from '../errors/index.js';
import { allocate, type FileSink, type RegularFile, withRegularFile } from '../formats/light.js';
import { type CacheKey, HASH_WINDOW_BYTES, sha256 } from './key.js';

/** The last byte is the version: another layout of entries gets another number, and is recomputed. */
const MAGIC = new TextEncoder().encode('radin-c\u0001');
const PREFIX_BYTES = MAGIC.length + 4;
const CHECKSUM_BYTES = 32;
/** A mixture of ten thousand models has a key of 1 MB. */
const LONGEST_KEY = 2 ** 24;

/** Writes an entry. */
export async function writeEntry(sink: FileSink, { text }: CacheKey, payload: Uint8Array): Promise<void> {
  const hash = createHash('sha256');
  const key = new TextEncoder().encode(text);
  for (const part of [prefixOf(key.length), key, ...windowsOf(payload)]) {
    hash.update(part);
    await sink.write(part);
  }
  await sink.write(hash.digest());
}

/** The result under this key; undefined where the file holds anything else. @throws RadinError where it cannot be read */
export function readEntry(path: string, { text }: CacheKey, mostBytes: number): Promise<Uint8Array | undefined> {
  return withRegularFile(path, async (file) => {
    const key = new TextEncoder().encode(text);
    const bytes = file.size - PREFIX_BYTES - key.length - CHECKSUM_BYTES;
    if (bytes < 0 || bytes > mostBytes) return undefined;
    const head = new Uint8Array(PREFIX_BYTES + key.length);
    await file.read(head, 0);
    if (Buffer.compare(head, Buffer.concat([prefixOf(key.length), key])) !== 0) return undefined;
    const payload = allocate(bytes, path);
    const hash = createHash('sha256').update(head);
    let position = head.length;
    for (const window of windowsOf(payload)) {
      await file.read(window, position);
      hash.update(window);
      position += window.length;
    }
    return (await endsWith(file, hash.digest(), position)) ? payload : undefined;
  });
}

/**
 * The kind of result in a file called `name`; undefined where the file is no whole entry of that name.
 * @param checksum whether all of it is read and compared with its checksum, in windows, or the key only
 */
export function identifyEntry(path: string, name: string, checksum: boolean): Promise<string | undefined> {
  return withRegularFile(path, async (file) => {
    const prefix = new Uint8Array(PREFIX_BYTES);
    if (file.size < PREFIX_BYTES + CHECKSUM_BYTES) return undefined;
    await file.read(prefix, 0);
    const length = new DataView(prefix.buffer).getUint32(MAGIC.length, true);
    const end = file.size - CHECKSUM_BYTES;
    const isOurs = Buffer.compare(prefix, prefixOf(length)) === 0;
    if (!isOurs || length > LONGEST_KEY || PREFIX_BYTES + length > end) return undefined;
    const key = new Uint8Array(length);
    await file.read(key, PREFIX_BYTES);
    const kind = (await sha256(key)) === name ? kindOf(key) : undefined;
    if (kind === undefined || !checksum) return kind;
    const hash = createHash('sha256').update(prefix).update(key);
    const window = new Uint8Array(HASH_WINDOW_BYTES);
    for (let position = PREFIX_BYTES + length; position < end; position += window.length) {
      const part = window.subarray(0, Math.min(window.length, end - position));
      await file.read(part, position);
      hash.update(part);
    }
    return (await endsWith(file, hash.digest(), end)) ? kind : undefined;
  });
}

function prefixOf(keyLength: number): Uint8Array {
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix.set(MAGIC);
  new DataView(prefix.buffer).setUint32(MAGIC.length, keyLength, true);
  return prefix;
}

function windowsOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / HASH_WINDOW_BYTES) }, (_, index) =>
    bytes.subarray(index * HASH_WINDOW_BYTES, (index + 1) * HASH_WINDOW_BYTES),
  );
}

async function endsWith(file: RegularFile, checksum: Uint8Array, position: number): Promise<boolean> {
  const stored = new Uint8Array(CHECKSUM_BYTES);
  await file.read(stored, position);
  return Buffer.compare(stored, checksum) === 0;
}

function kindOf(key: Uint8Array): string | undefined {
  try {
    const [kind] = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(key)) as unknown[];
    return typeof kind === 'string' ? kind : undefined;
  } catch (error) {
    // Neither JSON nor a list: what has the right hash and is not ours.
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Whether reading failed because of the file or the disk, which a cache survives. */
export function isFileFailure(error: unknown): error is RadinError {
  return error instanceof RadinError && error.code === 'FILE';
}
