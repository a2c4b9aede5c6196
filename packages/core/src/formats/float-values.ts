import { FLOAT_BYTES, FLOAT_FORMATS, type FloatDtype } from '@radin/native';
import type { Dtype } from './dtype.js';
import { readSixteenBits, writeSixteenBits } from './sixteen-bit-floats.js';

/** Whether elements are floats that arithmetic here is done with. */
export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return Object.hasOwn(FLOAT_FORMATS, dtype);
}

/** Elements widened exactly. @param bytes little-endian, of any alignment */
export function floatValues(bytes: Uint8Array, dtype: FloatDtype): Float64Array {
  const size = FLOAT_BYTES[dtype];
  if (dtype === 'F32') return new Float64Array(new Float32Array(new Uint8Array(bytes).buffer));
  if (dtype !== 'F64') return readSixteenBits(bytes, dtype);
  const { read } = FLOAT_FORMATS[dtype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(bytes.byteLength / size);
  for (let at = 0; at < values.length; at++) values[at] = read(view, at * size);
  return values;
}

/** Rounds each value once, to nearest, ties to even. @param target filled with little-endian bytes */
export function writeFloats(values: Float64Array, dtype: FloatDtype, target: Uint8Array): void {
  if (dtype === 'F16' || dtype === 'BF16') {
    writeSixteenBits(values, dtype, target);
    return;
  }
  const { write } = FLOAT_FORMATS[dtype];
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const size = FLOAT_BYTES[dtype];
  for (let at = 0; at < values.length; at++) write(view, at * size, values[at] as number);
}
