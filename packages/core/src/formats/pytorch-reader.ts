import { crc32 } from 'node:zlib';
import type { FileRange, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { dtypeBytes, inWritingOrder, type TensorInfo } from './dtype.js';
import { failFormat } from './format-error.js';
import { failChecksum, readCheckpoint } from './pytorch-archive.js';
import { type PlacedTensor, placeTensor } from './pytorch-layout.js';
import { chooseStateDict } from './pytorch-state-dict.js';
import { allocate, openRegularFile, type RegularFile, unreadableFile } from './regular-file.js';
import { gatherStrided, strideRange } from './strided.js';
import type { TensorFile } from './tensor-file.js';
import type { ZipPlace } from './zip-archive.js';

/** Tensors may share storage or repeat elements, but a small file must not stand for endless ones: so many times its bytes, or these. */
const MOST_SHARED = 8;
const SHARED_BYTES = 2 ** 26;

/** Checksums are computed in pieces, each a moment of the thread. */
const CHECKED_AT_ONCE = 2 ** 20;

export interface PyTorchOptions {
  /** The key of the state dict in the checkpoint, where it has several. */
  readonly stateDict?: string | undefined;
}

/**
 * Opens a checkpoint of `torch.save`, in the zip format of PyTorch 1.6 and newer. Its pickle is read as data: no name in it is ever imported or
 * called. Reads the archive's directory, the pickle and one small header per tensor.
 * @throws RadinError `FILE` where it is no readable regular file; `FORMAT` where it is another kind of file, refers to anything else
 *   than tensors and plain values, or contradicts itself
 */
export async function openPyTorch(path: string, options: PyTorchOptions = {}): Promise<TensorFile> {
  const file = await openRegularFile(path);
  try {
    const { archive, folder, root } = await readCheckpoint(file);
    const places = new Map<string, ZipPlace>();
    const tensors: PlacedTensor[] = [];
    for (const [name, tensor] of chooseStateDict(root, options.stateDict, path)) {
      const entry = `${folder}/data/${tensor.storage.key}`;
      const place = places.get(entry) ?? (await archive.place(entry));
      places.set(entry, place);
      tensors.push(placeTensor(name, tensor, place, path));
    }
    checkPlaces([...places.values()], path);
    checkTotal(tensors, file);
    return new OpenPyTorch(file, tensors.sort(inWritingOrder));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Two storages in the same bytes are never what torch.save writes. */
function checkPlaces(places: readonly ZipPlace[], path: string): void {
  let before: ZipPlace | undefined;
  for (const place of places.filter(({ byteLength }) => byteLength > 0).sort((a, b) => a.offset - b.offset)) {
    if (before !== undefined && before.offset + before.byteLength > place.offset) {
      failFormat(
        'entries apart from each other',
        `${quote(before.name)} and ${quote(place.name)} in the same bytes`,
        path,
      );
    }
    before = place;
  }
}

function checkTotal(tensors: readonly PlacedTensor[], { size, path }: RegularFile): void {
  const total = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const most = Math.max(MOST_SHARED * size, SHARED_BYTES);
  if (total > most) failFormat(`tensors of at most ${most} bytes in a file of ${size}`, `${total}`, path);
}

class OpenPyTorch implements TensorFile {
  readonly path: string;
  readonly tensors: readonly TensorInfo[];
  readonly metadata = undefined;
  readonly #file: RegularFile;
  readonly #placed: ReadonlyMap<string, PlacedTensor>;
  /** Of storages, by their names. */
  readonly #checks = new Map<string, Promise<void>>();
  /** One storage is checked at a time, so that checks of all tensors together need one buffer. */
  #lastCheck: Promise<void> = Promise.resolve();

  constructor(file: RegularFile, tensors: readonly PlacedTensor[]) {
    this.path = file.path;
    this.#file = file;
    this.tensors = tensors.map(({ name, dtype, shape, byteLength }) => ({ name, dtype, shape, byteLength }));
    this.#placed = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    const placed = this.#placedAt(name);
    const { position, byteLength, strides } = placed;
    const end = byteOffset + target.byteLength;
    if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || end > byteLength) {
      throw new RangeError(
        `Expected bytes within the ${byteLength} of tensor ${quote(name)} but received ${byteOffset} to ${end}`,
      );
    }
    if (target.byteLength === 0) return;
    try {
      if (strides === undefined) await this.#file.read(target, position + byteOffset);
      else await this.#gather(placed, strides, target, byteOffset);
    } catch (error) {
      throw error instanceof RadinError ? inTensor(name, error) : error;
    }
  }

  /** Cost: reads the part of the storage that is sure to hold the elements, for a transposed matrix all of it. */
  async #gather(
    { dtype, shape, position }: PlacedTensor,
    strides: readonly number[],
    target: Uint8Array,
    byteOffset: number,
  ): Promise<void> {
    const elementBytes = dtypeBytes(dtype);
    const layout = { shape, strides, elementBytes };
    const first = Math.floor(byteOffset / elementBytes);
    const end = Math.ceil((byteOffset + target.byteLength) / elementBytes);
    const range = strideRange(layout, first, end);
    const source = allocate((range.end - range.begin) * elementBytes, this.path);
    await this.#file.read(source, position + range.begin * elementBytes);
    const gathered = new Uint8Array((end - first) * elementBytes);
    gatherStrided(layout, first, end, source, gathered);
    const skipped = byteOffset - first * elementBytes;
    target.set(gathered.subarray(skipped, skipped + target.byteLength));
  }

  range(name: string): FileRange | undefined {
    const { position, byteLength, strides } = this.#placedAt(name);
    return strides === undefined ? { fd: this.#file.fd, offset: position, byteLength } : undefined;
  }

  async check(name: string): Promise<void> {
    const { storage } = this.#placedAt(name);
    let checked = this.#checks.get(storage.name);
    if (checked === undefined) {
      checked = this.#lastCheck.then(() => this.#checkStorage(storage));
      this.#checks.set(storage.name, checked);
      this.#lastCheck = checked.catch(() => {});
    }
    try {
      await checked;
    } catch (error) {
      throw error instanceof RadinError ? inTensor(name, error) : error;
    }
  }

  async #checkStorage({ name, offset, byteLength, crc32: expected }: ZipPlace): Promise<void> {
    const buffer = new Uint8Array(Math.min(byteLength, CHECKED_AT_ONCE));
    let found = 0;
    for (let done = 0; done < byteLength; done += buffer.byteLength) {
      const piece = buffer.subarray(0, Math.min(buffer.byteLength, byteLength - done));
      await this.#file.read(piece, offset + done);
      found = crc32(piece, found);
    }
    if (found !== expected) failChecksum(`${this.path}, entry ${quote(name)}`);
  }

  unreadable(name: string, error: SourceError): RadinError {
    const { position, byteLength } = this.#placedAt(name);
    return inTensor(name, unreadableFile(this.path, { fd: this.#file.fd, offset: position, byteLength }, error));
  }

  stamp(): Promise<string> {
    return this.#file.stamp();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #placedAt(name: string): PlacedTensor {
    const placed = this.#placed.get(name);
    if (placed !== undefined) return placed;
    throw new RangeError(`Expected the name of a tensor of ${this.path} but received ${quote(name)}`);
  }
}

function inTensor(name: string, error: RadinError): RadinError {
  return new RadinError(error.code, `${error.message}, tensor ${quote(name)}`, { cause: error });
}
