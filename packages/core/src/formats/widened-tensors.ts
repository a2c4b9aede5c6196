import { type Dtype, dtypeBytes, type TensorInfo } from './dtype.js';
import type { TensorFile } from './tensor-file.js';

/** Elements that are widened at a time. */
const BLOCK = 2 ** 16;

/** The narrowest dtype that holds every value of both exactly; undefined where there is none among those of averages. */
export function widest(a: Dtype, b: Dtype): Dtype | undefined {
  if (a === b) return a;
  const floats: readonly Dtype[] = ['F16', 'BF16', 'F32', 'F64'];
  if (!floats.includes(a) || !floats.includes(b)) return undefined;
  return a === 'F64' || b === 'F64' ? 'F64' : 'F32';
}

/**
 * The same file with the tensors named in wider dtypes, F16 and BF16 in F32 or F64 and F32 in F64: every value is the same number. They
 * are converted when they are read, so that they have no range. Cost: some 3 ns for each element.
 */
export function widenedTensors(file: TensorFile, dtypes: ReadonlyMap<string, Dtype>): TensorFile {
  const own = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  const wider = new Map<string, TensorInfo>();
  for (const [name, dtype] of dtypes) {
    const tensor = own.get(name);
    if (tensor === undefined || tensor.dtype === dtype) continue;
    const byteLength = (tensor.byteLength / dtypeBytes(tensor.dtype)) * dtypeBytes(dtype);
    wider.set(name, { ...tensor, dtype, byteLength });
  }
  return {
    path: file.path,
    tensors: file.tensors.map((tensor) => wider.get(tensor.name) ?? tensor),
    metadata: file.metadata,
    read(name, target, byteOffset = 0) {
      const tensor = wider.get(name);
      if (tensor === undefined) return file.read(name, target, byteOffset);
      return readWidened(file, own.get(name) as TensorInfo, tensor, target, byteOffset);
    },
    range: (name) => (wider.has(name) ? undefined : file.range(name)),
    ...(file.check && { check: async (name) => file.check?.(name) }),
    ...(file.exact && { exact: (name) => file.exact?.(name) }),
    unreadable: (name, error) => file.unreadable(name, error),
    stamp: () => file.stamp(),
    close: () => file.close(),
  };
}

async function readWidened(
  file: TensorFile,
  narrow: TensorInfo,
  wide: TensorInfo,
  target: Uint8Array,
  byteOffset: number,
): Promise<void> {
  const [from, to] = [dtypeBytes(narrow.dtype), dtypeBytes(wide.dtype)];
  const end = byteOffset + target.byteLength;
  if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || end > wide.byteLength) {
    throw new RangeError(
      `Expected bytes within the ${wide.byteLength} of ${wide.name} but received ${byteOffset} to ${end}`,
    );
  }
  for (let at = byteOffset; at < end; ) {
    const first = Math.floor(at / to);
    const count = Math.min(BLOCK, Math.ceil(end / to) - first);
    const source = new Uint8Array(count * from);
    await file.read(narrow.name, source, first * from);
    const values = widenedBytes(source, narrow.dtype, wide.dtype);
    const part = values.subarray(at - first * to, Math.min(values.byteLength, end - first * to));
    target.set(part, at - byteOffset);
    at += part.byteLength;
  }
}

function widenedBytes(source: Uint8Array, from: Dtype, to: Dtype): Uint8Array {
  const narrow = floatsOf(source, from);
  const wide = to === 'F64' ? new Float64Array(narrow) : narrow;
  return new Uint8Array(wide.buffer, wide.byteOffset, wide.byteLength);
}

/** Little-endian elements as float32, which holds F16 and BF16 exactly. */
function floatsOf({ buffer }: Uint8Array, dtype: Dtype): Float32Array {
  if (dtype === 'F32') return new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  if (dtype === 'BF16') return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
  return new Float32Array(Uint32Array.from(halves, floatBits).buffer);
}

/** The bits of an IEEE 754 binary16 number as binary32; those of a NaN stay those of a NaN. */
function floatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: its leading bit becomes the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
