import type { Dtype } from '../formats/index.js';

/** How a dtype of numbers is read. */
export interface Elements {
  readonly view: (bytes: ArrayBufferLike) => ArrayLike<number | bigint>;
  /** How a 1 is stored. */
  readonly one: number | bigint;
  readonly float: boolean;
}

export const ELEMENTS: Partial<Record<Dtype, Elements>> = {
  BOOL: { view: (bytes) => new Uint8Array(bytes), one: 1, float: false },
  U8: { view: (bytes) => new Uint8Array(bytes), one: 1, float: false },
  I8: { view: (bytes) => new Int8Array(bytes), one: 1, float: false },
  U16: { view: (bytes) => new Uint16Array(bytes), one: 1, float: false },
  I16: { view: (bytes) => new Int16Array(bytes), one: 1, float: false },
  U32: { view: (bytes) => new Uint32Array(bytes), one: 1, float: false },
  I32: { view: (bytes) => new Int32Array(bytes), one: 1, float: false },
  U64: { view: (bytes) => new BigUint64Array(bytes), one: 1n, float: false },
  I64: { view: (bytes) => new BigInt64Array(bytes), one: 1n, float: false },
  F16: { view: (bytes) => new Uint16Array(bytes), one: 0x3c00, float: true },
  F32: { view: (bytes) => new Float32Array(bytes), one: 1, float: true },
  F64: { view: (bytes) => new Float64Array(bytes), one: 1, float: true },
};
