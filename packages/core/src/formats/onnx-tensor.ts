import type { onnx } from '#onnx';
import { quote } from '../errors/index.js';
import { type Dtype, dtypeBytes, formatShape, MOST_DIMENSIONS, tensorBytes } from './dtype.js';
import { failFormat } from './format-error.js';

/** Numbers of `TensorProto.DataType`, also those newer than the vendored definition (17, 19, 24). */
const DTYPES: ReadonlyMap<number, Dtype> = new Map([
  [1, 'F32'],
  [2, 'U8'],
  [3, 'I8'],
  [4, 'U16'],
  [5, 'I16'],
  [6, 'I32'],
  [7, 'I64'],
  [9, 'BOOL'],
  [10, 'F16'],
  [11, 'F64'],
  [12, 'U32'],
  [13, 'U64'],
  [16, 'BF16'],
  [17, 'F8_E4M3'],
  [19, 'F8_E5M2'],
  [24, 'F8_E8M0'],
]);

/** `TensorProto.DataLocation.EXTERNAL`. */
const EXTERNAL = 1;

/** A named tensor that is stored with the graph. */
export interface Initializer {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major; `[]` is a scalar. */
  readonly shape: readonly number[];
  /**
   * Little-endian elements, any alignment: a view of the file's bytes where they lie there as such (`raw_data`), otherwise a
   * copy; undefined where they are in another file.
   */
  readonly data: Uint8Array | undefined;
  /** Whether the elements are in another file, which is never opened here. */
  readonly external: boolean;
}

/** The element type of a `TensorProto.DataType`; undefined for strings, complex and sub-byte types and future ones. */
export function dtypeOfOnnx(dataType: number): Dtype | undefined {
  return DTYPES.get(dataType);
}

/** The `TensorProto.DataType` of an initializer's type. */
export function onnxOfDtype(dtype: Dtype): number {
  const dataType = [...DTYPES].find(([, name]) => name === dtype)?.[0];
  if (dataType === undefined) throw new RangeError(`Expected a type that ONNX initializers have but received ${dtype}`);
  return dataType;
}

/** Whether a tensor's elements are, or claim to be, in another file. */
export function isExternal(tensor: onnx.ITensorProto): boolean {
  return tensor.data_location === EXTERNAL || (tensor.external_data?.length ?? 0) > 0;
}

/**
 * Checks a tensor's shape and size.
 * @returns undefined where its type has no `Dtype`
 * @throws RadinError (`FORMAT`) naming file and tensor
 */
export function readInitializer(tensor: onnx.TensorProto, path: string): Initializer | undefined {
  const { name } = tensor;
  const where = `${path}, initializer ${quote(name)}`;
  if (tensor.dims.length > MOST_DIMENSIONS) {
    failFormat(`at most ${MOST_DIMENSIONS} dimensions`, `${tensor.dims.length}`, where);
  }
  const shape = tensor.dims.map(Number);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    failFormat('a shape of integers ≥ 0', formatShape(shape), where);
  }
  if (Object.hasOwn(tensor, 'segment')) failFormat('a whole initializer', 'a segment of one', where);
  // 0 is UNDEFINED, and none is negative.
  if (tensor.data_type <= 0) failFormat('a type of elements', `${tensor.data_type}`, where);
  const dtype = dtypeOfOnnx(tensor.data_type);
  if (dtype === undefined) return undefined;
  const byteLength = tensorBytes(dtype, shape);
  if (byteLength === undefined) failFormat('fewer than 2^53 bytes', `${dtype} ${formatShape(shape)}`, where);
  if (isExternal(tensor)) return { name, dtype, shape, data: undefined, external: true };
  const data = Object.hasOwn(tensor, 'raw_data') ? tensor.raw_data : encodeTyped(tensor, dtype, where);
  if (data.byteLength !== byteLength) {
    failFormat(`${byteLength} bytes for ${dtype} ${formatShape(shape)}`, `${data.byteLength}`, where);
  }
  return { name, dtype, shape, data, external: false };
}

/** Elements that are stored as protobuf numbers in the field that ONNX has for their type, as little-endian bytes. */
function encodeTyped(tensor: onnx.TensorProto, dtype: Dtype, where: string): Uint8Array {
  const elementBytes = dtypeBytes(dtype);
  const values = typedField(tensor, dtype);
  const bytes = new Uint8Array(values.length * elementBytes);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    const at = index * elementBytes;
    if (!isInRange(Number(value), dtype)) failFormat(`numbers of type ${dtype}`, `${value} as element ${index}`, where);
    if (dtype === 'F32') view.setFloat32(at, Number(value), true);
    else if (dtype === 'F64') view.setFloat64(at, Number(value), true);
    else if (typeof value !== 'number') setLong(view, at, elementBytes, value);
    // Any number but 0 is true, and true has one byte, as everybody else reads it.
    else if (dtype === 'BOOL') view.setUint8(at, value === 0 ? 0 : 1);
    else if (elementBytes === 4) view.setInt32(at, value, true);
    else if (elementBytes === 2) view.setInt16(at, value, true);
    else view.setInt8(at, value);
  });
  return bytes;
}

/** Whether a number that is stored as a wider one is of the type. Integers of 64 bits and floats always are. */
function isInRange(value: number, dtype: Dtype): boolean {
  switch (dtype) {
    case 'I8':
      return value >= -0x80 && value <= 0x7f;
    case 'I16':
      return value >= -0x8000 && value <= 0x7fff;
    case 'U8':
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'F8_E8M0':
      return value >= 0 && value <= 0xff;
    case 'U16':
    case 'F16':
    case 'BF16':
      return value >= 0 && value <= 0xffff;
    case 'U32':
      return value <= 0xffffffff;
    default:
      return true;
  }
}

type Long = onnx.TensorProto['int64_data'][number];

function typedField(tensor: onnx.TensorProto, dtype: Dtype): readonly (number | Long)[] {
  switch (dtype) {
    case 'F32':
      return tensor.float_data;
    case 'F64':
      return tensor.double_data;
    case 'I64':
      return tensor.int64_data;
    case 'U32':
    case 'U64':
      return tensor.uint64_data;
    default:
      // Small integers, booleans and the bits of 16- and 8-bit floats share one field.
      return tensor.int32_data;
  }
}

function setLong(view: DataView, at: number, elementBytes: number, value: Long): void {
  view.setInt32(at, value.low, true);
  if (elementBytes === 8) view.setInt32(at + 4, value.high, true);
}
