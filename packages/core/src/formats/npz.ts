import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { quote } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { chooseNamed } from './named-array.js';
import { type ByteSource, type FilePlace, type NpyFile, openNpyBytes } from './npy.js';
import { openRegularFile, type RegularFile } from './regular-file.js';
import { checkPlainEntry, openZip, readEntryHeader, understood } from './zip-directory.js';

const WHAT = 'NumPy archive (.npz)';

/** Far more than archives of data have; a longer directory is an attack. */
const MOST_ENTRIES = 10_000;
/** The most that is unpacked: the largest array in one piece that every supported version of Node holds. What is stored as it is may be larger. */
const MOST_BYTES = 2 ** 32;
/** Arrays of more than this may not be a hundredth of it in the archive: deflated data of any use are not, bombs are. */
const SMALL_BYTES = 2 ** 26;
const MOST_UNPACKED_FROM_ONE = 100;
/** Room for the longest header of an array. */
const HEAD_BYTES = 2 ** 17;
const STORED = 0;
const DEFLATED = 8;

/**
 * Opens one array of a NumPy archive (`.npz`), stored or deflated. No more bytes are unpacked than the header of the array asks for, and
 * those must have the archive's checksum.
 * @param name of the array, without `.npy`; may be left out where the archive holds only one
 * @throws RadinError where there is no such array, the archive is no zip file, is encrypted or has two entries of one name, or as `readNpy`
 */
export async function openNpz(path: string, name: string | undefined): Promise<NpyFile> {
  const file = await openRegularFile(path);
  try {
    const { archive, entries } = await readDirectory(file);
    const entry = chooseNamed(entries, name, path);
    return await openNpyBytes(await UnpackedEntry.open(file, archive, entry));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens all arrays of an archive one after the other, with their names without `.npy`; its directory is read once. An array is open until the
 * next one is asked for. @throws RadinError as `openNpz`
 */
export async function* openNpzArrays(path: string): AsyncGenerator<readonly [name: string, array: NpyFile]> {
  const file = await openRegularFile(path);
  try {
    const { archive, entries } = await readDirectory(file);
    for (const [name, entry] of entries) {
      const unpacked = await UnpackedEntry.open(file, archive, entry);
      try {
        yield [name, await openNpyBytes(unpacked)];
      } finally {
        unpacked.destroy();
      }
    }
  } finally {
    await file.close();
  }
}

function readDirectory(file: RegularFile): ReturnType<typeof openZip> {
  const nameOf = ({ fileName }: Entry) => fileName.replace(/\.npy$/, '');
  return understood(WHAT, file.path, () => openZip(file, MOST_ENTRIES, 'two called', nameOf));
}

/** The bytes of an entry, which can be read once, from the start to the end; only those of a header again and again. */
class UnpackedEntry implements ByteSource {
  #head: Uint8Array = new Uint8Array(0);
  #checksum = 0;
  #unpacked = 0;
  #rest: Uint8Array = new Uint8Array(0);

  private constructor(
    readonly path: string,
    readonly size: number,
    readonly file: RegularFile,
    readonly expectedChecksum: number,
    readonly chunks: AsyncIterator<Uint8Array>,
    readonly destroy: () => void,
    /** Of the first byte in the archive's file; undefined where the entry is deflated. */
    readonly offset: number | undefined,
  ) {}

  static async open(file: RegularFile, zip: ZipFile, entry: Entry): Promise<UnpackedEntry> {
    const path = `${file.path}, entry ${quote(entry.fileName)}`;
    checkPlainEntry(entry, path);
    const { compressionMethod: method, uncompressedSize: size } = entry;
    if (method !== STORED && method !== DEFLATED) failFormat('a stored or deflated entry', `method ${method}`, path);
    if (method === DEFLATED) {
      if (size > MOST_BYTES) failFormat(`at most ${MOST_BYTES} bytes in an entry`, `${size}`, path);
      if (size > Math.max(SMALL_BYTES, MOST_UNPACKED_FROM_ONE * entry.compressedSize)) {
        const most = `at most ${MOST_UNPACKED_FROM_ONE} bytes for each packed one`;
        failFormat(most, `${size} for ${entry.compressedSize}`, path);
      }
    }
    return understood(WHAT, path, async () => {
      const { fileDataStart } = await readEntryHeader(zip, entry, path);
      const stream = await zip.openReadStreamPromise(entry);
      const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      const destroy = () => stream.destroy();
      const offset = method === STORED ? fileDataStart : undefined;
      const unpacked = new UnpackedEntry(path, size, file, entry.crc32, chunks, destroy, offset);
      const head = new Uint8Array(Math.min(size, HEAD_BYTES));
      await unpacked.#fill(head);
      unpacked.#head = head;
      return unpacked;
    });
  }

  async read(target: Uint8Array, position: number): Promise<void> {
    const buffered = this.#head.subarray(position, position + target.byteLength);
    target.set(buffered);
    if (buffered.byteLength < target.byteLength) {
      await understood(WHAT, this.path, () => this.#fill(target.subarray(buffered.byteLength)));
    }
  }

  async place(): Promise<FilePlace | undefined> {
    const { offset, file } = this;
    return offset === undefined ? undefined : { path: file.path, offset, stamp: await file.stamp() };
  }

  async close(): Promise<void> {
    this.destroy();
    await this.file.close();
  }

  /** Fills `target` with what is unpacked next, and compares the checksum at the end. */
  async #fill(target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.byteLength; ) {
      if (this.#rest.byteLength === 0) {
        const { value, done: ended } = await this.chunks.next();
        if (ended) failFormat(`${this.size} bytes`, `the end after ${this.#unpacked}`, this.path);
        this.#rest = value;
        this.#unpacked += value.byteLength;
        this.#checksum = crc32(value, this.#checksum);
      }
      const taken = this.#rest.subarray(0, target.byteLength - done);
      target.set(taken, done);
      done += taken.byteLength;
      this.#rest = this.#rest.subarray(taken.byteLength);
    }
    if (this.#unpacked < this.size) return;
    // Where more follows than the archive says, this fails.
    await this.chunks.next();
    if (this.#checksum !== this.expectedChecksum) failFormat("bytes with the archive's checksum", 'others', this.path);
  }
}
