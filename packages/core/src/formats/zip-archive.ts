import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { quote } from '../errors/index.js';
import { failFormat } from './format-error.js';
import type { RegularFile } from './regular-file.js';
import { readEntryHeader, readZipDirectory, understood } from './zip-directory.js';

const WHAT = 'zip archive';

/** More files than any checkpoint has tensors. */
const MOST_ENTRIES = 2 ** 16;

/** Bytes of headers that are read at most. */
const HEADER_BYTES = 2 ** 26;

/** Headers are read in blocks: one system call for the many small reads of a directory. */
const BLOCK_BYTES = 2 ** 14;

const STORED = 0;
const ENCRYPTED = 1;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMBOLIC_LINK = 0o120000;
/** Of MS-DOS, in the lowest byte of the attributes. */
const FOLDER = 0x10;

/** A file of an archive, which is there as it is. */
export interface ZipPlace {
  readonly name: string;
  /** Of its first byte in the archive's file. */
  readonly offset: number;
  readonly byteLength: number;
  readonly crc32: number;
}

/** A zip archive whose files are stored without compression. Reads headers only; the data are for others to read from the file. */
export class ZipArchive {
  private constructor(
    readonly path: string,
    readonly names: ReadonlySet<string>,
    readonly place: (name: string) => Promise<ZipPlace>,
  ) {}

  /**
   * Reads the directory. Names that leave the archive or are there twice and archives in several parts are refused, and by `place`
   * compressed and encrypted entries, so that nothing can unfold to more than the file holds, and links.
   * @throws RadinError
   */
  static async open(file: RegularFile): Promise<ZipArchive> {
    const { path } = file;
    const { archive, entries } = await understood(WHAT, path, async () => {
      const options = { autoClose: false, lazyEntries: true, strictFileNames: true } as const;
      const archive = await fromRandomAccessReaderPromise(new HeaderReader(file), file.size, options);
      return { archive, entries: await readZipDirectory(archive, file, MOST_ENTRIES, 'two of') };
    });
    return new ZipArchive(path, new Set(entries.keys()), (name) => {
      const entry = entries.get(name);
      if (entry === undefined) failFormat(`an entry ${quote(name)}`, 'none', path);
      return understood(WHAT, path, () => placeOf(archive, entry, path));
    });
  }
}

/** Refuses what is no plain file: only entries that are used are looked at, the others are never read. */
function checkEntry(entry: Entry, where: string): void {
  if (entry.compressionMethod !== STORED) {
    failFormat('an entry without compression, as torch.save writes it', `method ${entry.compressionMethod}`, where);
  }
  if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0) failFormat('an entry in plain', 'an encrypted one', where);
  const mode = entry.externalFileAttributes >>> 16;
  if (entry.versionMadeBy >>> 8 === UNIX && (mode & FILE_TYPE) === SYMBOLIC_LINK) {
    failFormat('a file', 'a symbolic link', where);
  }
  // For torch such an entry has no bytes, and it reads zeros.
  if ((entry.externalFileAttributes & FOLDER) !== 0 || entry.fileName.endsWith('/')) {
    failFormat('a file', 'a folder', where);
  }
}

async function placeOf(archive: ZipFile, entry: Entry, path: string): Promise<ZipPlace> {
  const where = `${path}, entry ${quote(entry.fileName)}`;
  checkEntry(entry, where);
  const header = await readEntryHeader(archive, entry, where);
  const { fileName: name, compressedSize: byteLength, crc32 } = entry;
  return { name, offset: header.fileDataStart, byteLength, crc32 };
}

class HeaderReader extends RandomAccessReader {
  readonly #file: RegularFile;
  #block: Uint8Array = new Uint8Array(0);
  #blockStart = 0;
  #allowance = HEADER_BYTES;

  constructor(file: RegularFile) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#read(buffer.subarray(offset, offset + length), position).then(
      () => callback(null, length),
      (error: Error) => callback(error),
    );
  }

  async #read(target: Uint8Array, position: number): Promise<void> {
    const { size, path } = this.#file;
    const end = position + target.byteLength;
    if (end > size) failFormat('headers within the file', `one that ends at byte ${end} of ${size}`, path);
    this.#allowance -= target.byteLength;
    if (this.#allowance < 0) failFormat(`at most ${HEADER_BYTES} bytes of headers`, 'more', path);
    if (target.byteLength > BLOCK_BYTES) return this.#file.read(target, position);
    if (position < this.#blockStart || end > this.#blockStart + this.#block.byteLength) {
      const block = new Uint8Array(Math.min(BLOCK_BYTES, size - position));
      await this.#file.read(block, position);
      this.#block = block;
      this.#blockStart = position;
    }
    target.set(this.#block.subarray(position - this.#blockStart, end - this.#blockStart));
  }
}
