import { FLOAT_FORMATS, type FloatDtype } from '@radin/native';
import type { Dtype } from './dtype.js';
import { readSixteenBits, writeSixteenBits } from './sixteen-bit-floats.js';

/** Whether elements are floats that arithmetic here is done with. */
export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return Object.hasOwn(FLOAT_FORMATS, dtype);
}

/** Elements widened exactly. @param bytes little-endian, of any alignment */
export function floatValues(bytes: Uint8Array, dtype: FloatDtype): Float64Array {
  if (dtype === 'F32') return new Float64Array(new Float32Array(new Uint8Array(bytes).buffer));
  if (dtype === 'F64') return new Float64Array(new Uint8Array(bytes).buffer);
  return readSixteenBits(bytes, dtype);
}

/** Rounds each value once, to nearest, ties to even. @param target filled with little-endian bytes */
export function writeFloats(values: Float64Array, dtype: FloatDtype, target: Uint8Array): void {
  if (dtype === 'F32' || dtype === 'F64') {
    const { buffer, byteOffset, byteLength } = dtype === 'F32' ? new Float32Array(values) : values;
    target.set(new Uint8Array(buffer, byteOffset, byteLength));
  } else writeSixteenBits(values, dtype, target);
}
