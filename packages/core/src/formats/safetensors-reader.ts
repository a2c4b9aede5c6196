import type { FileRange, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import type { TensorInfo } from './dtype.js';
import { failFormat } from './format-error.js';
import { allocate, openRegularFile, type RegularFile, unreadableFile } from './regular-file.js';
import { LONGEST_HEADER, PREFIX_BYTES, parseSafetensorsHeader, type SafetensorsHeader } from './safetensors-header.js';
import type { TensorFile } from './tensor-file.js';

/** An open safetensors file; its tensors are in the order of their data, empty ones, which share their offset with others, by name. */
export interface SafetensorsFile extends TensorFile {
  /** The file's `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
  range(name: string): FileRange;
}

/**
 * Opens a safetensors file. Reads its header only, strictly: a file that other readers might understand in another way is
 * refused.
 * @throws RadinError `FILE` where it is no readable regular file, `FORMAT` where it breaks the format's rules
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openRegularFile(path);
  try {
    const headerBytes = await readHeaderLength(file);
    const header = allocate(headerBytes, path);
    await file.read(header, PREFIX_BYTES);
    const dataStart = PREFIX_BYTES + headerBytes;
    return new OpenSafetensors(file, dataStart, parseSafetensorsHeader(header, file.size - dataStart, path));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readHeaderLength(file: RegularFile): Promise<number> {
  if (file.size < PREFIX_BYTES) {
    failFormat(`a safetensors file of ${PREFIX_BYTES} bytes or more`, `${file.size}`, file.path);
  }
  const prefix = new DataView(new ArrayBuffer(PREFIX_BYTES));
  await file.read(new Uint8Array(prefix.buffer), 0);
  const length = prefix.getBigUint64(0, true);
  const longest = Math.min(LONGEST_HEADER, file.size - PREFIX_BYTES);
  if (length > longest) {
    failFormat(`a safetensors header of at most ${longest} bytes`, `a length of ${length}`, file.path);
  }
  return Number(length);
}

function inTensor(name: string, error: RadinError): RadinError {
  return new RadinError(error.code, `${error.message}, tensor ${quote(name)}`, { cause: error });
}

class OpenSafetensors implements SafetensorsFile {
  readonly path: string;
  readonly tensors: readonly TensorInfo[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly #file: RegularFile;
  /** Position in the file and length of each tensor, in bytes. */
  readonly #places: ReadonlyMap<string, { readonly position: number; readonly byteLength: number }>;

  constructor(file: RegularFile, dataStart: number, { tensors, metadata }: SafetensorsHeader) {
    this.path = file.path;
    this.tensors = tensors.map(({ name, dtype, shape, byteLength }) => ({ name, dtype, shape, byteLength }));
    this.metadata = metadata;
    this.#file = file;
    this.#places = new Map(
      tensors.map(({ name, begin, byteLength }) => [name, { position: dataStart + begin, byteLength }]),
    );
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    const place = this.#placeOf(name);
    const end = byteOffset + target.byteLength;
    if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || end > place.byteLength) {
      throw new RangeError(
        `Expected bytes within the ${place.byteLength} of tensor ${quote(name)} but received ${byteOffset} to ${end}`,
      );
    }
    try {
      await this.#file.read(target, place.position + byteOffset);
    } catch (error) {
      throw error instanceof RadinError ? inTensor(name, error) : error;
    }
  }

  range(name: string): FileRange {
    const { position, byteLength } = this.#placeOf(name);
    return { fd: this.#file.fd, offset: position, byteLength };
  }

  unreadable(name: string, error: SourceError): RadinError {
    return inTensor(name, unreadableFile(this.path, this.range(name), error));
  }

  stamp(): Promise<string> {
    return this.#file.stamp();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #placeOf(name: string): { readonly position: number; readonly byteLength: number } {
    const place = this.#places.get(name);
    if (place !== undefined) return place;
    throw new RangeError(`Expected the name of a tensor of ${this.path} but received ${quote(name)}`);
  }
}
