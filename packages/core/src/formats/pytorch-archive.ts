import { crc32 } from 'node:zlib';
import { quote } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { readPickle } from './pickle-reader.js';
import type { PickleValue } from './pickle-values.js';
import { PYTORCH_VOCABULARY } from './pytorch-vocabulary.js';
import { allocate, type RegularFile } from './regular-file.js';
import { ZipArchive, type ZipPlace } from './zip-archive.js';

/** The pickle of 50,000 tensors is smaller. */
const LARGEST_PICKLE = 2 ** 24;

/** What a file of `torch.save` holds besides numbers. */
interface Checkpoint {
  readonly archive: ZipArchive;
  /** Of the archive: that of the pickle and of the numbers. */
  readonly folder: string;
  /** What was saved. */
  readonly root: PickleValue;
}

/** Reads the directory of the archive and the pickle. @throws RadinError `FORMAT` where the file is of another kind */
export async function readCheckpoint(file: RegularFile): Promise<Checkpoint> {
  await checkStart(file);
  const archive = await ZipArchive.open(file);
  const folder = checkpointFolder(archive);
  await checkByteOrder(file, archive, folder);
  await checkVersion(file, archive, folder);
  const pickle = await readEntry(file, await archive.place(`${folder}/data.pkl`), LARGEST_PICKLE);
  return { archive, folder, root: readPickle(pickle, PYTORCH_VOCABULARY, file.path) };
}

async function checkStart(file: RegularFile): Promise<void> {
  const start = new Uint8Array(Math.min(4, file.size));
  await file.read(start, 0);
  if (start[0] === 0x50 && start[1] === 0x4b) return;
  if (start[0] === 0x80) {
    failFormat(
      'a PyTorch file in the zip format of PyTorch 1.6 and newer',
      'an older one',
      `${file.path} (convert it: python3 -c 'import torch; torch.save(torch.load("OLD.pt", map_location="cpu"), "NEW.pt")')`,
    );
  }
  failFormat('a PyTorch file, which is a zip archive', 'something else', file.path);
}

/** The one folder of the archive, which holds the pickle. */
function checkpointFolder({ names, path }: ZipArchive): string {
  const folders = [...names]
    .filter((name) => /^[^/]+\/data\.pkl$/.test(name))
    .map((name) => name.split('/')[0] as string);
  const [folder, ...others] = folders;
  if (folder === undefined || others.length > 0) {
    failFormat('a PyTorch file, which has one FOLDER/data.pkl', `${folders.length} of them`, path);
  }
  if (names.has(`${folder}/constants.pkl`) || [...names].some((name) => name.startsWith(`${folder}/code/`))) {
    failFormat(
      'weights alone',
      'a TorchScript program, which holds code',
      `${path} (save its weights: torch.save(torch.jit.load("PROGRAM.pt").state_dict(), "WEIGHTS.pt"))`,
    );
  }
  return folder;
}

async function checkByteOrder(file: RegularFile, archive: ZipArchive, folder: string): Promise<void> {
  const name = `${folder}/byteorder`;
  if (!archive.names.has(name)) return;
  const order = Buffer.from(await readEntry(file, await archive.place(name), 16)).toString('latin1');
  if (order !== 'little') failFormat('little-endian numbers', `the byte order ${quote(order)}`, file.path);
}

/** Which version it is says nothing of the tensors, but where torch cannot read it the file is damaged. */
async function checkVersion(file: RegularFile, archive: ZipArchive, folder: string): Promise<void> {
  const name = `${folder}/version`;
  if (archive.names.has(name)) await readEntry(file, await archive.place(name), 16);
}

async function readEntry(file: RegularFile, place: ZipPlace, most: number): Promise<Uint8Array> {
  const where = `${file.path}, entry ${quote(place.name)}`;
  if (place.byteLength > most) failFormat(`at most ${most} bytes`, `${place.byteLength}`, where);
  const bytes = allocate(place.byteLength, file.path);
  await file.read(bytes, place.offset);
  if (crc32(bytes) !== place.crc32) failChecksum(where);
  return bytes;
}

/** The error for bytes that are not those that were written. */
export function failChecksum(where: string): never {
  failFormat('the bytes that the archive has the checksum of', 'others: the file is damaged', where);
}
