import { quote, RadinError } from '../errors/index.js';
import { type Dtype, dtypeBytes, formatShape, readNpy } from '../formats/index.js';

/** One model's logits ŷ_k, float32 [M, C], all finite. */
export interface Logits {
  readonly values: Float32Array;
  /** M. */
  readonly samples: number;
  /** C. */
  readonly classes: number;
}

/** @throws RadinError naming `model` and the first sample with a logit that is NaN or infinite. */
function requireFinite(logits: Logits, model: string): void {
  const at = firstNonFinite(logits.values);
  if (at < 0) return;
  throw new RadinError(
    'EVALUATION',
    `Expected finite logits but found ${logits.values[at]} from model ${quote(model)} for sample ${Math.floor(at / logits.classes)}, class ${at % logits.classes}`,
  );
}

function firstNonFinite(values: Float32Array): number {
  for (let at = 0; at < values.length; at++) {
    if (!Number.isFinite(values[at])) return at;
  }
  return -1;
}

/** Reads logits of shape [M, C] from a `.npy` file: float32, float16 (exact) or float64 (rounded to float32). @throws RadinError */
export async function readLogits(path: string, model: string): Promise<Logits> {
  const { dtype, shape, data } = await readNpy(path);
  const [samples, classes] = shape;
  if (shape.length !== 2 || samples === undefined || classes === undefined || samples === 0 || classes < 2) {
    throw new RadinError(
      'DATA',
      `Expected logits of shape [samples, classes] with at least one sample and two classes but found ${formatShape(shape)} in ${path}`,
    );
  }
  const logits = { values: toFloat32(data, dtype, path), samples, classes };
  requireFinite(logits, model);
  return logits;
}

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
