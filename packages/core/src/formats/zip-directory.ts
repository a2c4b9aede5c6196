import { type Entry, fromRandomAccessReaderPromise, type LocalFileHeader, type ZipFile } from 'yauzl';
import { quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';
import type { RegularFile } from './regular-file.js';
import { ZipReader } from './zip-reader.js';

const END = 'PK\x05\x06';
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ZIP64_END = 'PK\x06\x06';
const ZIP64_END_BYTES = 56;
const ZIP64_LOCATOR = 'PK\x06\x07';
const ZIP64_LOCATOR_BYTES = 20;
/** What fields have whose number is elsewhere, in 64 bits. */
const [ELSEWHERE_16, ELSEWHERE_32] = [0xffff, 0xffffffff];
/** The flag that says in what characters a name is. */
const UTF8 = 0x800;
/** The flag of a header without sizes and checksum, which follow the bytes. */
const SIZES_FOLLOW = 0x8;
/** Flags of bytes that are not the file's: encrypted, a patch, strongly encrypted, in an encrypted directory. */
const NOT_PLAIN = 0x1 | 0x20 | 0x40 | 0x2000;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const REGULAR_FILE = 0o100000;
/** Of MS-DOS, in the lowest byte of the attributes. */
const FOLDER = 0x10;

/**
 * Opens an archive and reads its directory, by name. Names that leave the archive are refused.
 * @param two how an error begins that names what is there twice
 * @param nameOf what an entry is called by whoever asks for it
 * @throws RadinError where there are more than `most` entries or two of one name; what yauzl throws where it is no archive
 */
export async function openZip(
  file: RegularFile,
  most: number,
  two: string,
  nameOf: (entry: Entry) => string = ({ fileName }) => fileName,
): Promise<{ readonly archive: ZipFile; readonly entries: ReadonlyMap<string, Entry> }> {
  const options = { autoClose: false, lazyEntries: true, strictFileNames: true } as const;
  const archive = await fromRandomAccessReaderPromise(new ZipReader(file), file.size, options);
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
  await checkEnd(file, start, cursor.readEntryCursor, archive.entryCount);
  return { archive, entries };
}

/**
 * What stands behind the directory. Other readers than ours find the directory by its length or by the records of 64 bits, or believe
 * the number of entries of this part, so all that is there has to be true.
 */
async function checkEnd(file: RegularFile, start: number, end: number, count: number): Promise<void> {
  const { path } = file;
  const zip64Bytes = ZIP64_END_BYTES + ZIP64_LOCATOR_BYTES;
  const zip64 = await bytesAt(file, end, zip64Bytes);
  const isZip64 = signature(zip64) === ZIP64_END;
  if (isZip64) checkZip64(zip64, start, end, count, path);

  const record = await bytesAt(file, isZip64 ? end + zip64Bytes : end, END_BYTES + LONGEST_COMMENT);
  if (signature(record) !== END || record.length < END_BYTES) {
    failFormat('the end of the archive behind its directory', 'other bytes', path);
  }
  if (record.includes(END, 1, 'latin1')) failFormat('one end of the archive', 'two', path);
  const orElsewhere = (value: number, elsewhere: number, wanted: number) =>
    value === wanted || (isZip64 && value === elsewhere);
  const length = record.readUInt32LE(12);
  if (!orElsewhere(length, ELSEWHERE_32, end - start)) {
    failFormat(`a directory of ${end - start} bytes`, `a length of ${length}`, path);
  }
  const [part, here, all] = [record.readUInt16LE(6), record.readUInt16LE(8), record.readUInt16LE(10)];
  if (here !== all || !orElsewhere(all, ELSEWHERE_16, count) || !orElsewhere(part, ELSEWHERE_16, 0)) {
    failFormat(`all ${count} entries in one part`, `${here} of ${all} in part ${part}`, path);
  }
}

/** So many bytes, or those that there are. */
async function bytesAt(file: RegularFile, from: number, most: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, Math.min(most, file.size - from)));
  await file.read(bytes, from);
  return bytes;
}

const signature = (bytes: Buffer) => bytes.toString('latin1', 0, 4);

/** The end of the directory in 64 bits, and the record that says where it is. */
function checkZip64(bytes: Buffer, start: number, end: number, count: number, path: string): void {
  const locator = bytes.subarray(ZIP64_END_BYTES);
  if (signature(locator) !== ZIP64_LOCATOR || locator.length < ZIP64_LOCATOR_BYTES) {
    failFormat('the place of the 64-bit end of the directory', 'other bytes', path);
  }
  const fields: readonly (readonly [what: string, found: bigint, wanted: number])[] = [
    ['its length', bytes.readBigUInt64LE(4), ZIP64_END_BYTES - 12],
    ['its part', BigInt(bytes.readUInt32LE(16)), 0],
    ['the part of the directory', BigInt(bytes.readUInt32LE(20)), 0],
    ['entries in this part', bytes.readBigUInt64LE(24), count],
    ['entries', bytes.readBigUInt64LE(32), count],
    ['the length of the directory', bytes.readBigUInt64LE(40), end - start],
    ['the place of the directory', bytes.readBigUInt64LE(48), start],
    ['the part it is in', BigInt(locator.readUInt32LE(4)), 0],
    ['its place', locator.readBigUInt64LE(8), end],
    ['parts', BigInt(locator.readUInt32LE(16)), 1],
  ];
  const wrong = fields.find(([, found, wanted]) => found !== BigInt(wanted));
  if (wrong === undefined) return;
  failFormat(`${wrong[0]} in the 64-bit end of the directory to be ${wrong[2]}`, `${wrong[1]}`, path);
}

/** Refuses what is no plain file. @throws RadinError */
export function checkPlainEntry(entry: Entry, where: string): void {
  const { generalPurposeBitFlag, externalFileAttributes, versionMadeBy } = entry;
  if ((generalPurposeBitFlag & NOT_PLAIN) !== 0) failFormat('an entry in plain', 'an encrypted one or a patch', where);
  // For torch a folder has no bytes, and it reads zeros.
  const isFolder = (externalFileAttributes & FOLDER) !== 0 || entry.fileName.endsWith('/');
  const type = (externalFileAttributes >>> 16) & FILE_TYPE;
  if (isFolder || (versionMadeBy >>> 8 === UNIX && type !== 0 && type !== REGULAR_FILE)) {
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
  const agreesOrIsLong = (own: number, listed: number) => own === ELSEWHERE_32 || agrees(own, listed);
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
