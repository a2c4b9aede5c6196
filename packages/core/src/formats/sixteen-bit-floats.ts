/**
 * Tensors of 16-bit floats, with the bits of `FLOAT_FORMATS` and many times as fast: what can be read is looked up among its
 * 65,536 values, and what is written is rounded in the integers that a float64 consists of.
 */

import { FLOAT_FORMATS } from '@radin/native';

type SixteenBits = 'F16' | 'BF16';

const FRACTION_BITS = { F16: 10, BF16: 7 } as const;
const EXPONENT_BIAS = { F16: 15, BF16: 127 } as const;

/** A float64's upper half has its sign, 11 bits of exponent and the first 20 bits of its fraction. */
const [UPPER_FRACTION_BITS, FLOAT64_BIAS] = [20, 1023];

/** The value of each pattern, made when a tensor of the type is first read. float32 holds all of them. */
const VALUES: Partial<Record<SixteenBits, Float32Array>> = {};

function valuesOf(dtype: SixteenBits): Float32Array {
  const { read } = FLOAT_FORMATS[dtype];
  const pattern = new DataView(new ArrayBuffer(Uint16Array.BYTES_PER_ELEMENT));
  return Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    pattern.setUint16(0, bits, true);
    return read(pattern, 0);
  });
}

/** Elements widened exactly. @param bytes little-endian, of any alignment */
export function readSixteenBits(bytes: Uint8Array, dtype: SixteenBits): Float64Array {
  VALUES[dtype] ??= valuesOf(dtype);
  const table = VALUES[dtype];
  const patterns = patternsIn(bytes) ?? new Uint16Array(new Uint8Array(bytes).buffer);
  const values = new Float64Array(patterns.length);
  for (let at = 0; at < values.length; at++) values[at] = table[patterns[at] as number] as number;
  return values;
}

/** Rounds each value once, to nearest, ties to even. @param target filled with little-endian bytes, of any alignment */
export function writeSixteenBits(values: Float64Array, dtype: SixteenBits, target: Uint8Array): void {
  const aligned = patternsIn(target);
  const patterns = aligned ?? new Uint16Array(values.length);
  const view = new DataView(patterns.buffer, patterns.byteOffset, patterns.byteLength);
  const halves = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  const fractionBits = FRACTION_BITS[dtype];
  const dropped = UPPER_FRACTION_BITS - fractionBits;
  const belowHalf = 2 ** (dropped - 1) - 1;
  const rebias = (FLOAT64_BIAS - EXPONENT_BIAS[dtype]) << fractionBits;
  const normal = 1 << fractionBits;
  const infinity = 0x8000 - normal;
  for (let at = 0; at < values.length; at++) {
    const upper = halves[2 * at + 1] as number;
    // Of the lower half only matters whether it breaks a tie.
    const magnitude = (upper & 0x7fffffff) | Number(halves[2 * at] !== 0);
    const toEven = (magnitude >>> dropped) & 1;
    // A carry out of the fraction counts the exponent up, as it must.
    const rounded = ((magnitude + belowHalf + toEven) >>> dropped) - rebias;
    if (rounded > normal && rounded < infinity) patterns[at] = ((upper >>> 16) & 0x8000) | rounded;
    else FLOAT_FORMATS[dtype].write(view, 2 * at, values[at] as number);
  }
  if (aligned === undefined) target.set(new Uint8Array(patterns.buffer));
}

/** The same memory as patterns, where its alignment allows that. */
function patternsIn({ buffer, byteOffset, byteLength }: Uint8Array): Uint16Array | undefined {
  return byteOffset % 2 === 0 ? new Uint16Array(buffer, byteOffset, byteLength / 2) : undefined;
}
