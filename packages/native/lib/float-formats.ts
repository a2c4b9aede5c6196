/**
 * Float dtypes as bits: exact widening to float64 and one correct rounding back (to nearest, ties to even). The twin of
 * src/cpu/float_formats.h. A NaN result is always the positive quiet NaN with no payload, because hardware differs in
 * which NaN an operation yields and the contract promises the same bits everywhere.
 */

import type { FloatDtype } from './backend.js';
import { exponentOf, powerOfTwo } from './elementary.js';

export interface FloatFormat {
  /** The element at a byte offset of any alignment, widened exactly. */
  read(bytes: DataView, offset: number): number;
  /** Rounds once and writes the element at a byte offset of any alignment. */
  write(bytes: DataView, offset: number, value: number): void;
}

/** Adding and then subtracting 2^52 rounds 0 ≤ x < 2^52 to an integer, ties to even: a float64 there has no fraction bits. */
const ROUND_TO_INTEGER = 2 ** 52;

/** The 16-bit IEEE layouts: 1 sign bit, 15 − fractionBits exponent bits, fractionBits fraction bits. */
function sixteenBits(fractionBits: number, smallestExponent: number): FloatFormat {
  const one = 1 << fractionBits; // also the step of the exponent field
  const infinity = 0x8000 - one;
  const quietNaN = infinity + one / 2;
  const overflow = powerOfTwo(2 - smallestExponent);

  return {
    read(bytes, offset) {
      const bits = bytes.getUint16(offset, true);
      const field = (bits & 0x7fff) >> fractionBits;
      const fraction = bits & (one - 1);
      const sign = bits & 0x8000 ? -1 : 1;
      if ((bits & infinity) === infinity) return fraction === 0 ? sign * Infinity : NaN;
      if (field === 0) return sign * fraction * powerOfTwo(smallestExponent - fractionBits);
      return sign * (one + fraction) * powerOfTwo(field - 1 + smallestExponent - fractionBits);
    },

    // Counts the quanta (the spacing of this format at the value's exponent) in the magnitude. Going straight from float64
    // avoids the second rounding of a detour through float32. A count that reaches the next power of two carries into the
    // exponent field, up to infinity, by itself.
    write(bytes, offset, value) {
      if (Number.isNaN(value)) return bytes.setUint16(offset, quietNaN, true);
      const magnitude = Math.min(Math.abs(value), overflow);
      const exponent = Math.max(exponentOf(magnitude), smallestExponent);
      const quanta = magnitude * powerOfTwo(fractionBits - exponent) + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
      const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
      bytes.setUint16(offset, sign + (exponent - smallestExponent) * one + quanta, true);
    },
  };
}

const float32: FloatFormat = {
  read: (bytes, offset) => bytes.getFloat32(offset, true),
  write(bytes, offset, value) {
    if (Number.isNaN(value)) bytes.setUint32(offset, 0x7fc00000, true);
    else bytes.setFloat32(offset, value, true);
  },
};

const float64: FloatFormat = {
  read: (bytes, offset) => bytes.getFloat64(offset, true),
  write(bytes, offset, value) {
    if (Number.isNaN(value)) bytes.setBigUint64(offset, 0x7ff8000000000000n, true);
    else bytes.setFloat64(offset, value, true);
  },
};

export const FLOAT_FORMATS: Readonly<Record<FloatDtype, FloatFormat>> = {
  F16: sixteenBits(10, -14),
  BF16: sixteenBits(7, -126),
  F32: float32,
  F64: float64,
};
