import type { Tensor } from 'onnxruntime-node';
import type { Dtype } from '../formats/index.js';
import { fromHalf, toHalf } from '../logits/light.js';

type ElementArray = Exclude<Tensor['data'], string[]>;

interface TensorType {
  /** ONNX Runtime's name. */
  readonly ort: Exclude<Tensor.Type, 'string' | 'int4' | 'uint4'>;
  readonly view: (buffer: ArrayBufferLike, byteOffset: number, length: number) => ElementArray;
  /** Range of integers that every value of the type lies in, or that the type holds exactly. */
  readonly integers: readonly [number, number];
  readonly float: boolean;
}

const EXACT_64 = 2 ** 53;

/** The element types that ONNX Runtime takes from JavaScript. */
const TENSOR_TYPES: Partial<Record<Dtype, TensorType>> = {
  BOOL: { ort: 'bool', view: (b, o, n) => new Uint8Array(b, o, n), integers: [0, 1], float: false },
  U8: { ort: 'uint8', view: (b, o, n) => new Uint8Array(b, o, n), integers: [0, 2 ** 8 - 1], float: false },
  I8: { ort: 'int8', view: (b, o, n) => new Int8Array(b, o, n), integers: [-(2 ** 7), 2 ** 7 - 1], float: false },
  U16: { ort: 'uint16', view: (b, o, n) => new Uint16Array(b, o, n), integers: [0, 2 ** 16 - 1], float: false },
  I16: { ort: 'int16', view: (b, o, n) => new Int16Array(b, o, n), integers: [-(2 ** 15), 2 ** 15 - 1], float: false },
  U32: { ort: 'uint32', view: (b, o, n) => new Uint32Array(b, o, n), integers: [0, 2 ** 32 - 1], float: false },
  I32: { ort: 'int32', view: (b, o, n) => new Int32Array(b, o, n), integers: [-(2 ** 31), 2 ** 31 - 1], float: false },
  U64: { ort: 'uint64', view: (b, o, n) => new BigUint64Array(b, o, n), integers: [0, 2 ** 64], float: false },
  I64: { ort: 'int64', view: (b, o, n) => new BigInt64Array(b, o, n), integers: [-(2 ** 63), 2 ** 63], float: false },
  F16: { ort: 'float16', view: (b, o, n) => new Uint16Array(b, o, n), integers: [-(2 ** 11), 2 ** 11], float: true },
  F32: { ort: 'float32', view: (b, o, n) => new Float32Array(b, o, n), integers: [-(2 ** 24), 2 ** 24], float: true },
  F64: { ort: 'float64', view: (b, o, n) => new Float64Array(b, o, n), integers: [-EXACT_64, EXACT_64], float: true },
};

export function tensorType(dtype: Dtype): TensorType | undefined {
  return TENSOR_TYPES[dtype];
}

/** Whether every value of dtype `from` is a value of dtype `to` and we can convert it. */
export function widens(from: Dtype, to: Dtype): boolean {
  if (from === to) return tensorType(to) !== undefined;
  const [source, target] = [tensorType(from), tensorType(to)];
  if (source === undefined || target === undefined || to === 'BOOL') return false;
  if (source.float) return target.float && (from === 'F16' || to === 'F64');
  return source.integers[0] >= target.integers[0] && source.integers[1] <= target.integers[1];
}

/** Copies `source` into `target` of a dtype that it widens to. */
export function widen(source: ElementArray, from: Dtype, target: ElementArray, to: Dtype): void {
  if (from === 'F16' && to !== 'F16') {
    for (let at = 0; at < source.length; at++) target[at] = fromHalf(source[at] as number);
  } else if (to === 'F16' && from !== 'F16') {
    for (let at = 0; at < source.length; at++) target[at] = toHalf(source[at] as number);
  } else if (
    (target instanceof BigInt64Array || target instanceof BigUint64Array) &&
    !(source instanceof BigInt64Array || source instanceof BigUint64Array)
  ) {
    for (let at = 0; at < source.length; at++) target[at] = BigInt(source[at] as number);
  } else {
    (target as Float64Array).set(source as Float64Array);
  }
}
