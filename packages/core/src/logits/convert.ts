import { RadinError } from '../errors/index.js';
import type { Dtype } from '../formats/index.js';
import { dtypeBytes } from '../formats/light.js';

/** Little-endian floating-point bytes as float32. @param source names the bytes in the error for other dtypes */
export function toFloat32(bytes: Uint8Array, dtype: Dtype, source: string): Float32Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const length = aligned.byteLength / dtypeBytes(dtype);
  switch (dtype) {
    case 'F32':
      return new Float32Array(aligned.buffer, aligned.byteOffset, length);
    case 'F64':
      return Float32Array.from(new Float64Array(aligned.buffer, aligned.byteOffset, length));
    case 'F16':
      return Float32Array.from(new Uint16Array(aligned.buffer, aligned.byteOffset, length), fromHalf);
    default:
      throw new RadinError('DATA', `Expected logits of dtype F32, F16 or F64 but found ${dtype} in ${source}`);
  }
}

/** The value of an IEEE 754 binary16 number from its bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of an integer as IEEE 754 binary16, which holds every integer up to 2,048 in magnitude exactly. */
export function toHalf(integer: number): number {
  const magnitude = Math.abs(integer);
  if (magnitude === 0) return 0;
  const exponent = 31 - Math.clz32(magnitude);
  const fraction = (magnitude / 2 ** exponent - 1) * 1024;
  return (integer < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}
