import { FLOAT_FORMATS } from '@radin/native';
import { describe, expect, it } from 'vitest';
import { floatValues, writeFloats } from '../../src/formats/float-values.js';
import { Random } from '../../src/random.js';

const PATTERNS = 2 ** 16;
const ALL = new Uint8Array(Uint16Array.from({ length: PATTERNS }, (_, bits) => bits).buffer);

/** The definition: one element at a time. */
function eachRead(bytes: Uint8Array, dtype: 'F16' | 'BF16'): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.byteLength / 2 }, (_, at) => FLOAT_FORMATS[dtype].read(view, 2 * at));
}

function eachWritten(values: Float64Array, dtype: 'F16' | 'BF16'): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => {
    FLOAT_FORMATS[dtype].write(view, 2 * at, value);
  });
  return bytes;
}

function written(values: Float64Array, dtype: 'F16' | 'BF16'): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  writeFloats(values, dtype, bytes);
  return bytes;
}

/** The same bytes at an odd address. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const moved = new Uint8Array(bytes.length + 1).subarray(1);
  moved.set(bytes);
  return moved;
}

function sameBits(a: Float64Array, b: Float64Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

describe.each(['F16', 'BF16'] as const)('tensors of %s', (dtype) => {
  it('are read as their elements one by one, all 65536 patterns, at any address', () => {
    const expected = eachRead(ALL, dtype);
    expect(sameBits(floatValues(ALL, dtype), expected)).toBe(true);
    expect(sameBits(floatValues(unaligned(ALL), dtype), expected)).toBe(true);
  });

  it('are written as their elements one by one: all patterns, the middles between neighbours, and what lies beside these', () => {
    const finite = eachRead(ALL, dtype).filter(Number.isFinite);
    const middles = finite.map((value, at) => (value + (finite[at + 1] ?? 2 * value)) / 2);
    const beside = [...middles].flatMap((value) => [
      value * (1 + 2 ** -52),
      value * (1 - 2 ** -52),
      value * (1 + 2 ** -30),
    ]);
    const largest = Math.max(...finite);
    const ends = [
      0,
      -0,
      NaN,
      Infinity,
      -Infinity,
      5e-324,
      -5e-324,
      1e308,
      -1e308,
      largest * (1 + 2 ** -12),
      -2 * largest,
    ];
    for (const values of [eachRead(ALL, dtype), middles, Float64Array.from(beside), Float64Array.from(ends)]) {
      expect(Buffer.from(written(values, dtype)).equals(eachWritten(values, dtype))).toBe(true);
    }
  });

  it('are written as their elements one by one, of any float64 and at any address', () => {
    const random = new Random(1);
    const words = Uint32Array.from({ length: 200_000 }, () => random.uint32());
    // All exponents, then those of weights.
    const values = new Float64Array(words.buffer);
    const weights = values.map((_, at) => (random.uint32() - 2 ** 31) * 2 ** -(at % 64));
    for (const each of [values, weights]) {
      const target = unaligned(new Uint8Array(2 * each.length));
      writeFloats(each, dtype, target);
      expect(Buffer.from(target).equals(eachWritten(each, dtype))).toBe(true);
    }
  });
});
