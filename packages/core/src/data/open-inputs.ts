import { resolve } from 'node:path';
import { fileError } from '../errors/index.js';
import { type FilePlace, type NpyFile, stampOf, TemporaryFile } from '../formats/index.js';
import { Inputs } from './inputs.js';
import { type ArrayFiles, type ArrayInfo, joinedInfo, withPart } from './joined-array.js';
import type { InputPart } from './row-reader.js';

/**
 * Opens arrays, joined along the first axis, as inputs that stay in their files. What an archive has compressed, or a file in
 * big-endian order, is unpacked to a temporary file. Cost: one read of what is in archives, whose checksums are compared.
 * @param check is shown dtype and shape of the whole before any data is read
 * @throws RadinError as `joinedInfo`, or where an archive is damaged; what `check` throws
 */
export async function openInputs(files: ArrayFiles, check: (whole: ArrayInfo) => void): Promise<Inputs> {
  const { whole, parts } = await joinedInfo(files);
  check(whole);
  const unpacked: TemporaryFile[] = [];
  const close = () => {
    for (const file of unpacked) file.close();
  };
  try {
    const opened: InputPart[] = [];
    for (const part of parts) {
      const place = await withPart(part, (file) => placeOf(file, part.path, unpacked));
      opened.push({ place, samples: part.shape[0] as number, path: part.path });
    }
    return new Inputs({ ...whole, parts: opened, close });
  } catch (error) {
    close();
    throw error;
  }
}

async function placeOf(file: NpyFile, path: string, unpacked: TemporaryFile[]): Promise<FilePlace> {
  const place = await file.place();
  if (place !== undefined) {
    // What lies in a file by itself has no checksum to compare.
    if (file.range === undefined) for await (const _ of file.blocks());
    // Who reads it may be in another folder.
    return { ...place, path: resolve(place.path) };
  }
  const target = TemporaryFile.open('disk');
  unpacked.push(target);
  let at = 0;
  for await (const block of file.blocks()) {
    try {
      await target.write(block, at);
    } catch (error) {
      throw fileError('unpack into the folder for temporary files', path, error);
    }
    at += block.byteLength;
  }
  return { path: target.path, offset: 0, stamp: stampOf(target.status()) };
}
