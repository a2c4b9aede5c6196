import { writeFileAtomically } from './atomic-file.js';
import { type Dtype, dtypeBytes, formatShape, tensorBytes } from './dtype.js';
import { failFormat } from './format-error.js';
import { formatNpyHeader, type NpyHeader, parseNpyHeader } from './npy-header.js';
import { allocate, openRegularFile, type RegularFile, withRegularFile } from './regular-file.js';
import { gatherStrided } from './strided.js';

const MAGIC = '\x93NUMPY';
/** Magic text and version. */
const PREFIX_BYTES = 8;
/** Data starts at a multiple of this, so that it can be mapped. */
const ALIGNMENT = 64;
/** Headers hold at most 64 dimensions; a longer one is an attack. */
const LONGEST_HEADER = 65_535;

/** What an `.npy` file says of its array. */
export interface NpyInfo {
  readonly path: string;
  readonly dtype: Dtype;
  /** Row-major; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/** An array in memory. */
export interface NpyArray extends NpyInfo {
  /** Little-endian elements in C order: exactly the bytes of dtype and shape, from an 8-byte aligned start. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Bytes of an array that are unpacked at a time: elements of every size fit in whole. */
const BLOCK_BYTES = 4 * 2 ** 20;

/** Bytes that an array is read from: a file, or an entry of an archive. */
export interface ByteSource extends Pick<RegularFile, 'path' | 'size' | 'read' | 'close'> {
  /** Where they lie in a file as they are; undefined where they have to be unpacked. */
  place(): Promise<FilePlace | undefined>;
}

type Readable = Pick<ByteSource, 'path' | 'size' | 'read'>;

/** Bytes in a file that others can open too. */
export interface FilePlace {
  readonly path: string;
  readonly offset: number;
  /** Of the whole file, as `stampOf` says: with another one it is no longer the same. */
  readonly stamp: string;
}

/** An open array. */
export interface NpyFile extends NpyInfo {
  /** Where the little-endian elements are in C order; undefined where they have to be read: big-endian, in Fortran order or in an archive. */
  readonly range: { readonly fd: number; readonly offset: number; readonly byteLength: number } | undefined;
  /** Where a file has the little-endian elements in C order; undefined where they have to be made so or unpacked. */
  place(): Promise<FilePlace | undefined>;
  /** The elements, as `readNpy` gives them. Those in Fortran order take their memory twice. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
  /** The same in parts of a few MiB, in place of `read`: what was unpacked can't be had twice. Each is valid until the next. Fortran order is read as a whole first. */
  blocks(): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a NumPy array and reads its header only. @throws RadinError as `readNpy`; there is no limit to its size */
export async function openNpy(path: string): Promise<NpyFile> {
  const file = await openRegularFile(path);
  const source: ByteSource = {
    path,
    size: file.size,
    read: (target, position) => file.read(target, position),
    place: async () => ({ path, offset: 0, stamp: await file.stamp() }),
    close: () => file.close(),
  };
  return openNpyBytes(source, file.fd);
}

/** Opens an array in any bytes, which are closed with it or on failure. @param fd where they are a file's, as they are */
export async function openNpyBytes(file: ByteSource, fd?: number): Promise<NpyFile> {
  try {
    const header = await readHeader(file);
    const { dtype, shape, dataStart } = header;
    const isAsItIs = !header.bigEndian && !header.fortranOrder;
    const range = { fd: fd as number, offset: dataStart, byteLength: file.size - dataStart };
    return {
      path: file.path,
      dtype,
      shape,
      range: isAsItIs && fd !== undefined ? range : undefined,
      place: async () => {
        const found = isAsItIs ? await file.place() : undefined;
        return found && { ...found, offset: found.offset + dataStart };
      },
      read: () => readElements(file, header),
      blocks: () => readBlocks(file, header),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readElements(file: Readable, header: PlacedHeader): Promise<Uint8Array<ArrayBuffer>> {
  const { dtype, bigEndian, fortranOrder, dataStart } = header;
  const data = allocate(file.size - dataStart, file.path);
  await file.read(data, dataStart);
  if (bigEndian) swapBytes(data, dtypeBytes(dtype));
  return fortranOrder ? inRowMajorOrder(data, header, file.path) : data;
}

/** The elements of an array whose first axis varies fastest, with the last one fastest. */
function inRowMajorOrder(source: Uint8Array, { dtype, shape }: NpyHeader, path: string): Uint8Array<ArrayBuffer> {
  const elementBytes = dtypeBytes(dtype);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const target = allocate(source.byteLength, path);
  gatherStrided({ shape, strides, elementBytes }, 0, source.byteLength / elementBytes, source, target);
  return target;
}

async function* readBlocks(file: Readable, header: PlacedHeader): AsyncGenerator<Uint8Array> {
  const { dtype, bigEndian, fortranOrder, dataStart } = header;
  if (fortranOrder) {
    const data = await readElements(file, header);
    for (let at = 0; at < data.byteLength; at += BLOCK_BYTES) yield data.subarray(at, at + BLOCK_BYTES);
    return;
  }
  const block = new Uint8Array(Math.min(BLOCK_BYTES, file.size - dataStart));
  for (let at = dataStart; at < file.size; at += block.byteLength) {
    const part = block.subarray(0, file.size - at);
    await file.read(part, at);
    if (bigEndian) swapBytes(part, dtypeBytes(dtype));
    yield part;
  }
}

/**
 * Reads a NumPy array (`.npy`, versions 1.0 to 3.0) of booleans, integers or floats in C or Fortran order and either byte order.
 * @throws RadinError `FILE` where it is no readable regular file or too large for one array of this Node version (4 GiB on
 *   Node 20); `FORMAT` where it is no such array or has missing or trailing bytes
 */
export function readNpy(path: string): Promise<NpyArray> {
  return withRegularFile(path, async (file) => {
    const header = await readHeader(file);
    return { path, dtype: header.dtype, shape: header.shape, data: await readElements(file, header) };
  });
}

/** Reads the header only and checks the file's size. @throws RadinError as `readNpy` */
export function readNpyHeader(path: string): Promise<NpyInfo> {
  return withRegularFile(path, async (file) => {
    const { dtype, shape } = await readHeader(file);
    return { path, dtype, shape };
  });
}

/**
 * Writes a NumPy array (version 1.0), wholly or not at all.
 * @param data little-endian elements in C order
 * @throws RadinError `FORMAT` where NumPy has no such dtype; `FILE` where the file cannot be written
 * @throws RangeError where `data` does not have the bytes of dtype and shape
 */
export async function writeNpy(path: string, dtype: Dtype, shape: readonly number[], data: Uint8Array): Promise<void> {
  if (data.byteLength !== tensorBytes(dtype, shape)) {
    throw new RangeError(
      `Expected the bytes of ${dtype} ${formatShape(shape)} but received ${data.byteLength} for ${path}`,
    );
  }
  const text = formatNpyHeader(dtype, shape, path);
  const dataStart = Math.ceil((PREFIX_BYTES + 2 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const headerBytes = dataStart - PREFIX_BYTES - 2;
  const header = Buffer.from(`${MAGIC}\x01\x00..${text.padEnd(headerBytes - 1)}\n`, 'latin1');
  header.writeUInt16LE(headerBytes, PREFIX_BYTES);
  await writeFileAtomically(path, async (sink) => {
    await sink.write(header);
    await sink.write(data);
  });
}

/** A header and the position behind it. */
type PlacedHeader = NpyHeader & { readonly dataStart: number };

async function readHeader(file: Readable): Promise<PlacedHeader> {
  const { path, size } = file;
  const prefix = Buffer.alloc(Math.min(size, PREFIX_BYTES + 4));
  await file.read(prefix, 0);
  const isNpy = prefix.length >= PREFIX_BYTES + 2 && prefix.toString('latin1', 0, MAGIC.length) === MAGIC;
  if (!isNpy) failFormat('a NumPy .npy file', 'something else', path);
  const version = `${prefix[6]}.${prefix[7]}`;
  if (!['1.0', '2.0', '3.0'].includes(version)) failFormat('.npy version 1.0, 2.0 or 3.0', version, path);
  const lengthBytes = version === '1.0' ? 2 : 4;
  const headerStart = PREFIX_BYTES + lengthBytes;
  if (size < headerStart) failFormat('a header', 'the end of the file', path);
  const longest = Math.min(LONGEST_HEADER, size - headerStart);
  const length = prefix.readUIntLE(PREFIX_BYTES, lengthBytes);
  if (length > longest) failFormat(`a header of at most ${longest} bytes`, `a length of ${length}`, path);
  const text = Buffer.alloc(length);
  await file.read(text, headerStart);
  const header = parseNpyHeader(text.toString('latin1'), path);
  const dataStart = headerStart + length;
  checkSize(header, size - dataStart, path);
  return { ...header, dataStart };
}

function checkSize({ dtype, shape }: NpyHeader, found: number, path: string): void {
  const expected = tensorBytes(dtype, shape);
  if (found === expected) return;
  failFormat(`${expected ?? 'more than 2^53'} bytes of data for ${dtype} ${formatShape(shape)}`, `${found}`, path);
}

function swapBytes(data: Uint8Array, elementBytes: number): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (elementBytes === 2) bytes.swap16();
  else if (elementBytes === 4) bytes.swap32();
  else if (elementBytes === 8) bytes.swap64();
}
