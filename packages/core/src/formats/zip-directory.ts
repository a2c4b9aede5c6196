import type { Entry, LocalFileHeader, ZipFile } from 'yauzl';
import { quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';

/**
 * The entries of an archive by name. Names that leave the archive are refused by yauzl, where it was opened with `strictFileNames`.
 * @param two how an error begins that names what is there twice
 * @param nameOf what an entry is called by whoever asks for it
 * @throws RadinError where there are more than `most` entries or two of one name
 */
export async function readZipDirectory(
  archive: ZipFile,
  path: string,
  most: number,
  two: string,
  nameOf: (entry: Entry) => string = ({ fileName }) => fileName,
): Promise<Map<string, Entry>> {
  if (archive.entryCount > most) failFormat(`at most ${most} entries`, `${archive.entryCount}`, path);
  const entries = new Map<string, Entry>();
  for await (const entry of archive.eachEntry()) {
    const name = nameOf(entry);
    if (entries.has(name)) failFormat('entries of different names', `${two} ${quote(name)}`, path);
    entries.set(name, entry);
  }
  return entries;
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
    header.compressionMethod !== entry.compressionMethod
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
