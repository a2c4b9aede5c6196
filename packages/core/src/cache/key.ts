import { createHash } from 'node:crypto';
import { setImmediate as otherWork } from 'node:timers/promises';

/** Bytes hashed at a time: other work waits for so many at most, a few milliseconds. */
export const HASH_WINDOW_BYTES = 4 * 2 ** 20;

/** Of what a result was computed: everything that its bits depend on, hashes in place of large things. */
export type KeyParts = { readonly [name: string]: KeyValue };
type KeyValue = string | number | boolean | readonly KeyValue[] | KeyParts;

/** The address of an entry. */
export interface CacheKey {
  /** What kind of result the entry holds, in a few words. */
  readonly kind: string;
  /** The parts as text, which the entry begins with: an entry can be checked against its own name. */
  readonly text: string;
  /** SHA-256 of the text, hexadecimal: the name of the entry's file. */
  readonly name: string;
}

/** The same for the same parts, whatever the order of their names; another for others. */
export function cacheKey(kind: string, parts: KeyParts): CacheKey {
  const text = JSON.stringify([kind, ordered(parts)]);
  return { kind, text, name: sha256OfText(text) };
}

/** SHA-256, hexadecimal, of a text's UTF-8. */
export function sha256OfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** SHA-256, hexadecimal, of bytes in memory, however many. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < bytes.length; start += HASH_WINDOW_BYTES) {
    if (start > 0) await otherWork();
    hash.update(bytes.subarray(start, start + HASH_WINDOW_BYTES));
  }
  return hash.digest('hex');
}

/** Objects with their names in ascending order. */
function ordered(value: KeyValue): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object') return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [name, ordered(part)]);
}
