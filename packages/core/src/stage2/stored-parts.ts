import { createHash } from 'node:crypto';
import type { Metric } from '../metric/index.js';
import type { Evaluated } from './evaluated.js';

/** Of the samples of a part, in their order: their number and the hash that tells the part from others. */
export interface StoredPart extends Evaluated {
  readonly samples: number;
}

const HASH_BYTES = 32;
const HEAD_BYTES = HASH_BYTES + 4 + 8;
/** Passes over the split that one soup's parts may add up to, and their number: orders of races that nobody runs again. */
const MOST_PASSES = 64;
const MOST_PARTS = 4096;
/** Added to the number of samples of a part by accuracy or top-K of which only the score is known. */
const SCORE_ONLY = 2 ** 31;

/** More bytes than stored parts of a soup ever take. @param samples M */
export function mostBytes(samples: number): number {
  return MOST_PARTS * (HEAD_BYTES + 1) + Math.ceil((MOST_PASSES * samples) / 8);
}

/** SHA-256 of the samples' numbers, little-endian, hexadecimal. */
export function partName(samples: Uint32Array): string {
  const bytes = new DataView(new ArrayBuffer(4 * samples.length));
  for (const [at, sample] of samples.entries()) bytes.setUint32(4 * at, sample, true);
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes of so many bits. */
function bitBytes(bits: number): number {
  return Math.ceil(bits / 8);
}

/** A bit for each 1 or 0, the first one lowest in the first byte. */
export function packBits(values: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(bitBytes(values.length));
  for (const [at, bit] of values.entries()) bytes[at >> 3] = (bytes[at >> 3] as number) | (bit << (at & 7));
  return bytes;
}

/** The inverse of `packBits`. @param bytes of `count` bits */
export function unpackBits(bytes: Uint8Array, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, bit) => ((bytes[bit >> 3] as number) >> (bit & 7)) & 1);
}

/** Whether the score is that of its own samples: another one was not written by us. */
export function isScoreOf(correct: Uint8Array, score: number, metric: Metric): boolean {
  const right = correct.reduce((sum, bit) => sum + bit, 0);
  return metric.score(right, correct.length) === score;
}

/**
 * Parts as bytes: for each the hash of its samples, their number (u32), the score (f64), and for accuracy and top-k a bit for
 * each sample, the first one lowest, if these are known. Of too many parts the first ones, which were measured first, are left out.
 * @param samples M
 */
export function encodeParts(parts: ReadonlyMap<string, StoredPart>, samples: number): Uint8Array {
  const kept: [string, StoredPart][] = [];
  let total = 0;
  for (const [name, part] of [...parts].reverse()) {
    total += part.samples;
    if (total > MOST_PASSES * samples || kept.length === MOST_PARTS) break;
    kept.unshift([name, part]);
  }
  return Buffer.concat(
    kept.map(([name, { samples: count, score, correct }]) => {
      const bytes = Buffer.alloc(HEAD_BYTES + (correct ? bitBytes(count) : 0));
      bytes.write(name, 'hex');
      bytes.writeUInt32LE(count + (correct ? 0 : SCORE_ONLY), HASH_BYTES);
      bytes.writeDoubleLE(score, HASH_BYTES + 4);
      if (correct) bytes.set(packBits(correct), HEAD_BYTES);
      return bytes;
    }),
  );
}

/**
 * The parts, by name; undefined where the bytes are not what `encodeParts` makes of any.
 * @param samples M @param scoresOnly whether parts may lack what is right, by accuracy and top-k too
 */
export function decodeParts(
  bytes: Uint8Array,
  metric: Metric,
  samples: number,
  scoresOnly = false,
): Map<string, StoredPart> | undefined {
  const parts = new Map<string, StoredPart>();
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < view.length; ) {
    if (at + HEAD_BYTES > view.length) return undefined;
    const name = view.toString('hex', at, at + HASH_BYTES);
    const counted = view.readUInt32LE(at + HASH_BYTES);
    const isScoreOnly = counted >= SCORE_ONLY;
    const count = isScoreOnly ? counted - SCORE_ONLY : counted;
    const score = view.readDoubleLE(at + HASH_BYTES + 4);
    at += HEAD_BYTES;
    if (count < 1 || count > samples || !Number.isFinite(score)) return undefined;
    if (metric.measure.kind !== 'top' || (isScoreOnly && scoresOnly)) {
      parts.set(name, { samples: count, score });
      continue;
    }
    const end = at + bitBytes(count);
    if (isScoreOnly || end > view.length) return undefined;
    const correct = unpackBits(view.subarray(at, end), count);
    if (!isScoreOf(correct, score, metric)) return undefined;
    parts.set(name, { samples: count, score, correct });
    at = end;
  }
  return parts;
}
