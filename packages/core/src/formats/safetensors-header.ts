import { quote, RadinError } from '../errors/index.js';
import { formatShape, isDtype, MOST_DIMENSIONS, type TensorInfo, tensorBytes } from './dtype.js';
import { failFormat } from './format-error.js';
import { parseStrictJson, type StrictJson } from './strict-json.js';

/** The key of the free text map; no tensor can have this name. */
export const METADATA_KEY = '__metadata__';

/** Bytes before the header: its length as a little-endian unsigned 64-bit integer. */
export const PREFIX_BYTES = 8;

/** Longest header that readers of this format accept, in bytes. */
export const LONGEST_HEADER = 100_000_000;

/** A tensor and its place in the data section. */
interface PlacedTensor extends TensorInfo {
  /** Bytes from the start of the data section, which follows the header. */
  readonly begin: number;
}

export interface SafetensorsHeader {
  /** In the order of the data; empty tensors, which share their offset with others, by name. */
  readonly tensors: readonly PlacedTensor[];
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads and checks a header by the format's rules: every entry has exactly dtype, shape and data_offsets, sizes fit, and the
 * tensors fill the data section without hole or overlap.
 * @param bytes the header: JSON, possibly padded with spaces
 * @param dataBytes bytes of the data section
 * @throws RadinError (`FORMAT`) naming the tensor
 */
export function parseSafetensorsHeader(bytes: Uint8Array, dataBytes: number, path: string): SafetensorsHeader {
  if (bytes[0] !== '{'.charCodeAt(0)) failFormat('a header that starts with "{"', 'something else', path);
  const header = parseJson(bytes, path);
  if (!(header instanceof Map)) failFormat('an object as header', 'something else', path);
  const tensors: PlacedTensor[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of header) {
    if (name === METADATA_KEY) metadata = parseMetadata(value, path);
    else tensors.push(parseTensor(name, value, path));
  }
  tensors.sort(byPlace);
  checkPlaces(tensors, dataBytes, path);
  return { tensors, metadata };
}

function parseJson(bytes: Uint8Array, path: string): StrictJson {
  // The format allows padding with spaces, at the end only.
  let end = bytes.length;
  while (bytes[end - 1] === ' '.charCodeAt(0)) end--;
  try {
    return parseStrictJson(bytes.subarray(0, end));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RadinError('FORMAT', `Expected a JSON header in ${path}, but: ${error.message}`, { cause: error });
  }
}

function parseMetadata(value: StrictJson, path: string): ReadonlyMap<string, string> {
  if (!(value instanceof Map)) failFormat(`${METADATA_KEY} to be an object`, 'something else', path);
  for (const [key, text] of value) {
    if (typeof text !== 'string')
      failFormat(`${METADATA_KEY} to hold strings only`, `another value for ${quote(key)}`, path);
  }
  return value;
}

function parseTensor(name: string, entry: StrictJson, path: string): PlacedTensor {
  const where = `${path}, tensor ${quote(name)}`;
  if (!(entry instanceof Map)) failFormat('an object that describes a tensor', 'something else', where);
  const { dtype, shape, data_offsets: offsets, ...others } = Object.fromEntries(entry);
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) failFormat('dtype, shape and data_offsets only', `a field ${quote(unknown)}`, where);
  if (typeof dtype !== 'string') failFormat('a dtype in words', 'something else', where);
  if (!isDtype(dtype)) failFormat('a supported dtype', refusal(dtype), where);
  if (!isSizes(shape)) failFormat('a shape of integers ≥ 0', 'something else', where);
  if (shape.length > MOST_DIMENSIONS) failFormat(`at most ${MOST_DIMENSIONS} dimensions`, `${shape.length}`, where);
  if (!isSizes(offsets) || offsets.length !== 2)
    failFormat('data_offsets of two integers ≥ 0', 'something else', where);
  const [begin, end] = offsets as [number, number];
  const byteLength = tensorBytes(dtype, shape);
  if (byteLength === undefined || end - begin !== byteLength) {
    const expected = `${byteLength ?? 'more than 2^53'} bytes for ${dtype} ${formatShape(shape)}`;
    failFormat(expected, `data_offsets from ${begin} to ${end}`, where);
  }
  return { name, dtype, shape, byteLength, begin };
}

function refusal(dtype: string): string {
  const subByte = /^F[46](_|$)/.test(dtype) ? ', whose elements are smaller than a byte and cannot be averaged' : '';
  return `${quote(dtype)}${subByte}`;
}

function isSizes(value: StrictJson | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => typeof size === 'number' && size >= 0);
}

function byPlace(a: PlacedTensor, b: PlacedTensor): number {
  const byEnd = a.begin + a.byteLength - (b.begin + b.byteLength);
  return a.begin - b.begin || byEnd || (a.name < b.name ? -1 : 1);
}

function checkPlaces(tensors: readonly PlacedTensor[], dataBytes: number, path: string): void {
  let end = 0;
  for (const { name, begin, byteLength } of tensors) {
    if (begin !== end) {
      const kind = begin > end ? 'a hole' : 'an overlap';
      failFormat(`data from byte ${end}`, `data from byte ${begin} (${kind})`, `${path}, tensor ${quote(name)}`);
    }
    end += byteLength;
  }
  if (end !== dataBytes) failFormat(`${end} bytes of data, as its header says`, `${dataBytes}`, path);
}
