import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { gunzipSync, gzipSync } from 'node:zlib';
import { writeFileAtomically } from '@radin/core';

/** In place of a count that is not known. */
export const UNKNOWN = 0xffffffff;

interface Owner {
  /** Of the pool's files, as `contentOf` says it. */
  readonly content: string;
  readonly models: number;
  readonly samples: { readonly validation: number; readonly test: number };
}

/** Right samples of every uniform subset on both splits; bit k of the index says whether model k is in it. */
export interface SubsetCounts {
  readonly owner: Owner;
  /** [2^N], of which the first belongs to no subset. */
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/**
 * A gzip of one line of JSON, whose owner they are, and both arrays of little-endian 32-bit integers.
 * @throws RadinError where it cannot be written
 */
export function writeSubsetCounts(file: string, { owner, validation, test }: SubsetCounts): Promise<void> {
  const head = Buffer.from(`${JSON.stringify(owner)}\n`);
  const arrays = [validation, test].map((counts) => littleEndian(Buffer.from(counts.slice().buffer)));
  return writeFileAtomically(file, (sink) => sink.write(gzipSync(Buffer.concat([head, ...arrays]), { level: 9 })));
}

/** @returns undefined where there is no such file, or one of other weights, samples or of no whole counts */
export function readSubsetCounts(file: string, owner: Owner): SubsetCounts | undefined {
  const head = Buffer.from(`${JSON.stringify(owner)}\n`);
  const bytes = 4 * 2 ** owner.models;
  let content: Buffer;
  try {
    content = gunzipSync(readFileSync(file), { maxOutputLength: head.length + 2 * bytes });
  } catch {
    // None, or larger than these counts, or no gzip.
    return undefined;
  }
  if (content.length !== head.length + 2 * bytes || !content.subarray(0, head.length).equals(head)) return undefined;
  const array = (start: number) => {
    const part = littleEndian(Buffer.from(content.subarray(start, start + bytes)));
    return new Uint32Array(Uint8Array.from(part).buffer);
  };
  const [validation, test] = [array(head.length), array(head.length + bytes)];
  const fits = (counts: Uint32Array, samples: number) => counts.every((count) => count <= samples || count === UNKNOWN);
  if (!fits(validation, owner.samples.validation) || !fits(test, owner.samples.test)) return undefined;
  return { owner, validation, test };
}

/** To or from the machine's own order; changes the bytes in place. */
function littleEndian(bytes: Buffer): Buffer {
  return endianness() === 'LE' ? bytes : bytes.swap32();
}
