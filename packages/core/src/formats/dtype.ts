/** Bytes of one element of each supported type. */
const BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  U32: 4,
  I32: 4,
  U64: 8,
  I64: 8,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  F16: 2,
  BF16: 2,
  F32: 4,
  F64: 8,
  C64: 8,
} as const;

/**
 * Element types, named as in safetensors. That format's sub-byte types (F4, F6_E2M3, F6_E3M2) are not among them: their
 * elements have no byte address of their own, and no soup of them is meaningful.
 */
export type Dtype = keyof typeof BYTES;

/** A tensor without its values. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major; `[]` is a scalar, a 0 makes the tensor empty. */
  readonly shape: readonly number[];
  /** Product of the shape × bytes of the dtype. */
  readonly byteLength: number;
}

/** Whether `name` is a supported element type. */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(BYTES, name);
}

/** Bytes of one element. */
export function dtypeBytes(dtype: Dtype): number {
  return BYTES[dtype];
}

/** Whether elements are real floating-point numbers. Complex ones (C64) are not. */
export function isFloat(dtype: Dtype): boolean {
  return dtype.startsWith('F') || dtype === 'BF16';
}

/** Bytes of a tensor; undefined where they exceed 2^53, so that no overflow can pass for a small tensor. */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  if (shape.includes(0)) return 0;
  let bytes: number = BYTES[dtype];
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

/** NumPy and PyTorch themselves allow no more dimensions than this. */
export const MOST_DIMENSIONS = 64;

/** A shape as shown in messages: `[2, 3]`. Long shapes are cut. */
export function formatShape(shape: readonly number[]): string {
  const shown = shape.slice(0, 16).join(', ');
  return shape.length > 16 ? `[${shown}, … ${shape.length} dimensions]` : `[${shown}]`;
}

/** The order in which tensors are written: larger elements first, so that all are aligned, then by name. */
export function inWritingOrder(a: TensorInfo, b: TensorInfo): number {
  return dtypeBytes(b.dtype) - dtypeBytes(a.dtype) || (a.name < b.name ? -1 : 1);
}
