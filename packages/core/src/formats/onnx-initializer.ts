import { onnx } from '#onnx';
import { quote } from '../errors/index.js';
import { type Dtype, dtypeBytes, formatShape, tensorBytes } from './dtype.js';
import type { FileField, FileFields } from './file-fields.js';
import { failFormat } from './format-error.js';
import { BoundedReader } from './onnx-bounded-reader.js';
import { type ExternalFiles, externalPlace } from './onnx-external.js';
import { dtypeOfOnnx, isExternal } from './onnx-tensor.js';
import { isTypedData, sixteenBits } from './onnx-typed-data.js';
import { delimited } from './protobuf-fields.js';
import { allocate, type RegularFile } from './regular-file.js';

/** Field numbers of `onnx-ml.proto`. */
export const GRAPH_INITIALIZER = 5;
export const TENSOR_RAW_DATA = 9;
export const TENSOR_EXTERNAL_DATA = 13;
export const TENSOR_DATA_LOCATION = 14;
/** Of numbers that are stored as such: float_data, int32_data, string_data, int64_data, double_data, uint64_data. */
const TENSOR_TYPED_DATA: readonly number[] = [4, 5, 6, 7, 10, 11];

/** Of a number in protobuf. */
const LONGEST_VARINT = 10;

/** The types of initializers that are weights. */
const WEIGHTS: readonly Dtype[] = ['F16', 'BF16', 'F32', 'F64'];

/** Bytes in an open file, or in memory where no file has them as they are. */
export type WeightPlace = { readonly file: RegularFile; readonly position: number } | { readonly bytes: Uint8Array };

/** A float initializer of the main graph. */
export interface OnnxWeight {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly place: WeightPlace;
  /** Whether the model has it in another file. */
  readonly external: boolean;
  /** The value of a weight of one element. */
  readonly scalar: Uint8Array | undefined;
  /** All fields but the data, each with its tag, those before the data and those after it. */
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
}

/** Reads initializers from an ONNX file. */
export class InitializerReader {
  constructor(
    private readonly file: RegularFile,
    private readonly fields: FileFields,
    private readonly externals: ExternalFiles,
  ) {}

  /** A weight, or the whole field of an initializer that is none, with its data. */
  async read(field: FileField): Promise<Uint8Array | OnnxWeight> {
    const found = await this.#fieldsOf(field);
    const { before, after, header, where } = found;
    const { name, data_type: type, dims } = header;
    const shape = dims.map(Number);
    const dtype = dtypeOfOnnx(type);
    const byteLength = dtype && isShape(shape) ? tensorBytes(dtype, shape) : undefined;
    const external = isExternal(header);
    const isWeight = dtype !== undefined && WEIGHTS.includes(dtype);
    // What is wrong with shapes is said where all of ONNX's tensors are read.
    if (dtype === undefined || byteLength === undefined || !(external || isWeight)) {
      return initializerField(await this.#all(found));
    }
    const place = external
      ? await this.#externalPlace(header, byteLength, where)
      : await this.#placeOf(found, dtype, shape, byteLength);
    if (!isWeight) {
      const data = delimited(TENSOR_RAW_DATA, await bytesAt(place, byteLength));
      return initializerField([...before, ...data, ...after]);
    }
    const scalar = shape.every((size) => size === 1) ? await bytesAt(place, byteLength) : undefined;
    return { name, dtype, shape, byteLength, place, external, scalar, before, after };
  }

  async #fieldsOf({ payload, end }: FileField): Promise<TensorFields> {
    const [before, after]: [Uint8Array[], Uint8Array[]] = [[], []];
    const stored: FileField[] = [];
    const places: Uint8Array[] = [];
    for await (const field of this.fields.between(payload, end)) {
      const { number } = field;
      if (number === TENSOR_EXTERNAL_DATA || number === TENSOR_DATA_LOCATION)
        places.push(await this.fields.whole(field));
      else if (number === TENSOR_RAW_DATA || TENSOR_TYPED_DATA.includes(number)) stored.push(field);
      else (stored.length + places.length === 0 ? before : after).push(await this.fields.whole(field));
    }
    const header = this.#decode([...before, ...places, ...after]);
    const where = `${this.file.path}, initializer ${quote(header.name)}`;
    const kinds = new Set(stored.map(({ number }) => number));
    if (kinds.size + (isExternal(header) ? 1 : 0) > 1 || (kinds.has(TENSOR_RAW_DATA) && stored.length > 1)) {
      failFormat('the data of an initializer in one place', 'them in several', where);
    }
    return { before, places, stored, after, header, where };
  }

  async #externalPlace(header: onnx.TensorProto, byteLength: number, where: string): Promise<WeightPlace> {
    const at = externalPlace(header, byteLength, where);
    return { file: await this.externals.open(at, byteLength, where), position: at.offset };
  }

  async #placeOf(
    { stored, where }: TensorFields,
    dtype: Dtype,
    shape: readonly number[],
    byteLength: number,
  ): Promise<WeightPlace> {
    const data = stored.filter((field) => field.number === TENSOR_RAW_DATA || isTypedData(field, dtype));
    const [first, ...others] = data;
    const found = data.reduce((sum, { payload, end }) => sum + end - payload, 0);
    if (first !== undefined && first.number !== TENSOR_RAW_DATA && dtypeBytes(dtype) === 2) {
      const count = byteLength / 2;
      // Before anything is allocated: a number has at least a byte.
      const canBe = found >= count && found <= LONGEST_VARINT * count;
      const bits = canBe ? sixteenBits(await this.#payloads(data, found), count) : undefined;
      return { bytes: bits ?? failFormat(`${count} numbers from 0 to 65535 as int32_data`, 'others', where) };
    }
    if (found !== byteLength) failFormat(`${byteLength} bytes for ${dtype} ${formatShape(shape)}`, `${found}`, where);
    if (first !== undefined && others.length === 0) return { file: this.file, position: first.payload };
    return { bytes: await this.#payloads(data, found) };
  }

  /** The values of fields, one after another, of together so many bytes. */
  async #payloads(fields: readonly FileField[], byteLength: number): Promise<Uint8Array> {
    const bytes = allocate(byteLength, this.file.path);
    let at = 0;
    for (const { payload, end } of fields) {
      await this.file.read(bytes.subarray(at, at + end - payload), payload);
      at += end - payload;
    }
    return bytes;
  }

  /** All fields of a tensor, its data in the middle. */
  async #all({ before, places, stored, after }: TensorFields): Promise<Uint8Array[]> {
    const data: Uint8Array[] = [];
    for (const field of stored) data.push(await this.fields.whole(field));
    return [...before, ...places, ...data, ...after];
  }

  #decode(fields: readonly Uint8Array[]): onnx.TensorProto {
    try {
      return onnx.TensorProto.decode(new BoundedReader(Buffer.concat(fields)));
    } catch (error) {
      return failFormat('an initializer', `bytes that are none (${(error as Error).message})`, this.file.path);
    }
  }
}

/** A tensor's fields, its data not read yet. */
interface TensorFields {
  readonly before: readonly Uint8Array[];
  /** What says where external data are. */
  readonly places: readonly Uint8Array[];
  /** The data in the file itself. */
  readonly stored: readonly FileField[];
  readonly after: readonly Uint8Array[];
  /** All but the data. */
  readonly header: onnx.TensorProto;
  readonly where: string;
}

function isShape(shape: readonly number[]): boolean {
  return shape.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function initializerField(fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(delimited(GRAPH_INITIALIZER, Buffer.concat(fields)));
}

async function bytesAt(place: WeightPlace, byteLength: number): Promise<Uint8Array> {
  if ('bytes' in place) return place.bytes;
  const bytes = allocate(byteLength, place.file.path);
  await place.file.read(bytes, place.position);
  return bytes;
}
