import type { Entry, ZipFile } from 'yauzl';
import { quote } from '../errors/index.js';
import { failFormat } from './format-error.js';
import type { RegularFile } from './regular-file.js';
import { checkPlainEntry, openZip, readEntryHeader, understood } from './zip-directory.js';

const WHAT = 'zip archive';

/** More files than any checkpoint has tensors. */
const MOST_ENTRIES = 2 ** 16;

const STORED = 0;

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
    const { archive, entries } = await understood(WHAT, path, () => openZip(file, MOST_ENTRIES, 'two of'));
    return new ZipArchive(path, new Set(entries.keys()), (name) => {
      const entry = entries.get(name);
      if (entry === undefined) failFormat(`an entry ${quote(name)}`, 'none', path);
      return understood(WHAT, path, () => placeOf(archive, entry, path));
    });
  }
}

async function placeOf(archive: ZipFile, entry: Entry, path: string): Promise<ZipPlace> {
  const where = `${path}, entry ${quote(entry.fileName)}`;
  // Only entries that are used are looked at, the others are never read.
  if (entry.compressionMethod !== STORED) {
    failFormat('an entry without compression, as torch.save writes it', `method ${entry.compressionMethod}`, where);
  }
  checkPlainEntry(entry, where);
  const header = await readEntryHeader(archive, entry, where);
  const { fileName: name, compressedSize: byteLength, crc32 } = entry;
  return { name, offset: header.fileDataStart, byteLength, crc32 };
}
