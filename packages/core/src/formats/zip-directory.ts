import type { Entry, LocalFileHeader, ZipFile } from 'yauzl';
import { quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';
import type { RegularFile } from './regular-file.js';

const END = 'PK\x05\x06';
const END_BYTES = 22;
const ZIP64_END = 'PK\x06\x06';
const ZIP64_END_BYTES = 56;
/** The flag that says in what characters a name is. */
const UTF8 = 0x800;
/** The flag of a header without sizes and checksum, which follow the bytes. */
const SIZES_FOLLOW = 0x8;
/** Flags of bytes that are not the file's: encrypted, a patch, strongly encrypted, in an encrypted directory. */
const NOT_PLAIN = 0x1 | 0x20 | 0x40 | 0x2000;
/** A size that stands in the header's extra field. */
const IN_EXTRA_FIELD = 0xffffffff;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const REGULAR_FILE = 0o100000;

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
  if (signature === ZIP64_END) return checkZip64End(file, start, end);
  if (signature !== END || record.length < END_BYTES) {
    failFormat('the end of the archive behind its directory', 'other bytes', path);
  }
  const length = record.readUInt32LE(12);
  if (length !== end - start) failFormat(`a directory of ${end - start} bytes`, `a length of ${length}`, path);
  const [part, here, all] = [record.readUInt16LE(6), record.readUInt16LE(8), record.readUInt16LE(10)];
  if (here !== all || part !== 0) failFormat('all entries in one part', `${here} of ${all} in part ${part}`, path);
}

/** The same of archives with more entries or bytes, whose directory has another end before the usual one. */
async function checkZip64End(file: Pick<RegularFile, 'path' | 'size' | 'read'>, start: number, end: number) {
  const { path, size } = file;
  const record = Buffer.alloc(Math.min(ZIP64_END_BYTES, size - end));
  await file.read(record, end);
  if (record.length < ZIP64_END_BYTES) failFormat('the end of the archive behind its directory', 'other bytes', path);
  const length = record.readBigUInt64LE(40);
  if (length !== BigInt(end - start)) failFormat(`a directory of ${end - start} bytes`, `a length of ${length}`, path);
  const [part, here, all] = [record.readUInt32LE(20), record.readBigUInt64LE(24), record.readBigUInt64LE(32)];
  if (here !== all || part !== 0) failFormat('all entries in one part', `${here} of ${all} in part ${part}`, path);
}

/** Refuses what is no plain file. @throws RadinError */
export function checkPlainEntry(
  { generalPurposeBitFlag, externalFileAttributes, versionMadeBy }: Entry,
  where: string,
) {
  if ((generalPurposeBitFlag & NOT_PLAIN) !== 0) failFormat('an entry in plain', 'an encrypted one or a patch', where);
  const type = (externalFileAttributes >>> 16) & FILE_TYPE;
  if (versionMadeBy >>> 8 === UNIX && type !== 0 && type !== REGULAR_FILE) {
    failFormat('a file', 'a link, folder or device', where);
  }
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
    ((header.generalPurposeBitFlag ^ entry.generalPurposeBitFlag) & (UTF8 | NOT_PLAIN)) !== 0
  ) {
    failFormat('the name and the method of the directory', 'others in the header of the entry', where);
  }
  const follow = (header.generalPurposeBitFlag & SIZES_FOLLOW) !== 0;
  const agrees = (own: number, listed: number) => own === listed || (follow && own === 0);
  const agreesOrIsLong = (own: number, listed: number) => own === IN_EXTRA_FIELD || agrees(own, listed);
  if (
    !agrees(header.crc32, entry.crc32) ||
    !agreesOrIsLong(header.compressedSize, entry.compressedSize) ||
    !agreesOrIsLong(header.uncompressedSize, entry.uncompressedSize)
  ) {
    failFormat('the sizes and the checksum of the directory', 'others in the header of the entry', where);
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
