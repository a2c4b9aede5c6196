import { type AverageTensor, FLOAT_BYTES, type FloatDtype } from '../lib/backend.js';

/** A copy of the bytes that begins one byte into its buffer, as a tensor inside a file may. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length + 1), 1);
  copy.set(bytes);
  return copy;
}

export function bytesOf(array: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A tensor of those ingredients, all of them unaligned, with outputs of its own. */
export function tensor(dtype: FloatDtype, ingredients: readonly NodeJS.TypedArray[], count = 1): AverageTensor {
  const bytes = ingredients.map((ingredient) => unaligned(bytesOf(ingredient)));
  const outputs = Array.from({ length: count }, () => unaligned(new Uint8Array(bytes[0]?.length ?? 0)));
  return { dtype, ingredients: bytes, outputs };
}

/** The first output of a tensor. */
export function outputOf(tensor: AverageTensor | undefined): Uint8Array {
  return tensor?.outputs[0] as Uint8Array;
}

/** The elements' bits as unsigned integers. */
export function bitsOf(dtype: FloatDtype, bytes: Uint8Array): bigint[] {
  const size = FLOAT_BYTES[dtype];
  return Array.from({ length: bytes.length / size }, (_, i) => {
    const reversed = [...bytes.subarray(i * size, (i + 1) * size)].reverse();
    return BigInt(`0x${reversed.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`);
  });
}
