import type { Entry, LocalFileHeader, ZipFile } from 'yauzl';
import { quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';
import type { RegularFile } from './regular-file.js';

const END = 'PK\x05\x06';
const END_BYTES = 22;
const ZIP64_END = 'PK\x06\x06';
/** The flag that says in what characters a name is. */
const UTF8 = 0x800;

/**
 * The entries of an archive by name. Names that leave the archive are refused by yauzl, where it was opened with `strictFileNames`.
 * @param two how an error begins that names what is there twice
 * @param nameOf what an entry is called by whoever asks for it
 * @throws RadinError where there are more than `most` entries or two of one name
 */
export async function readZipDirectory(
  archive: ZipFile,
  file: Pick<RegularFile, 'path' | 'size' | 'read'>,
  most: number,
  two: string,
  nameOf: (entry: Entry) => string = ({ fileName }) => fileName,
): Promise<Map<string, Entry>> {
  const { path } = file;
  const cursor = archive as unknown as { readonly readEntryCursor: number };
  const start = cursor.readEntryCursor;
  if (archive.entryCount > most) failFormat(`at most ${most} entries`, `${archive.entryCount}`, path);
  const entries = new Map<string, Entry>();
  for await (const entry of archive.eachEntry()) {
    const name = nameOf(entry);
    // Other readers end a name at NUL, and have other characters for what code page 437 has in these places.
    if (entry.fileNameRaw.some((byte) => byte < 0x20 || byte === 0x7f)) {
      failFormat('entry names without control characters', quote(name), path);
    }
    if (entries.has(name)) failFormat('entries of different names', `${two} ${quote(name)}`, path);
    entries.set(name, entry);
  }
  await checkEnd(file, start, cursor.readEntryCursor);
  return entries;
}

/** Other readers look for the directory by its length, or believe the number of entries of this part, so both have to be true. */
async function checkEnd(file: Pick<RegularFile, 'path' | 'size' | 'read'>, start: number, end: number): Promise<void> {
  const { path, size } = file;
  const record = Buffer.alloc(Math.min(END_BYTES, size - end));
  await file.read(record, end);
  const signature = record.toString('latin1', 0, 4);
  if (signature === ZIP64_END) return;
  if (signature !== END || record.length < END_BYTES) {
    failFormat('the end of the archive behind its directory', 'other bytes', path);
  }
  const length = record.readUInt32LE(12);
  if (length !== end - start) failFormat(`a directory of ${end - start} bytes`, `a length of ${length}`, path);
  const [here, all] = [record.readUInt16LE(8), record.readUInt16LE(10)];
  if (here !== all) failFormat('all entries in one part', `${here} of ${all}`, path);
}

/**
 * An entry's own header, behind which its bytes begin. Other programs than ours may believe it rather than the directory, so both
 * have to agree.
 * @throws RadinError
 */
export async function readEntryHeader(archive: ZipFile, entry: Entry, where: string): Promise<LocalFileHeader> {
  const header = await archive.readLocalFileHeaderPromise(entry);
  if (
    Buffer.compare(header.fileName, entry.fileNameRaw) !== 0 ||
    header.compressionMethod !== entry.compressionMethod ||
    ((header.generalPurposeBitFlag ^ entry.generalPurposeBitFlag) & UTF8) !== 0
  ) {
    failFormat('the name and the method of the directory', 'others in the header of the entry', where);
  }
  return header;
}

/** Runs a step of yauzl or zlib; what they say against an archive becomes an error of the file. @param what `zip archive` */
export async function understood<T>(what: string, where: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof RadinError || !(error instanceof Error)) throw error;
    throw new RadinError('FORMAT', `Expected a whole ${what} in ${where}, but: ${error.message}`, { cause: error });
  }
}
