import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verdictOf } from './oracle.js';
import type { Reader } from './reader.js';

/** Files are read anew so often at most. */
const MOST_READS = 2000;
const LONGEST_MS = 20_000;

/** What is thrown that must not be, without what differs from file to file; undefined where all is well. */
async function failure(reader: Reader, folder: string): Promise<string | undefined> {
  try {
    await reader.read(folder);
    return undefined;
  } catch (error) {
    const verdict = verdictOf(error);
    return verdict.kind === 'finding' ? verdict.what.replace(/\d+/g, '#').split('\n')[0] : undefined;
  }
}

/**
 * Takes ranges of bytes out of the files of a finding, halves first, as long as the same error is thrown; findings of other kinds are
 * left as they are.
 */
export async function minimise(reader: Reader, folder: string): Promise<void> {
  if (reader.startsProcesses) return;
  const expected = await failure(reader, folder);
  if (expected === undefined) return;
  const until = Date.now() + LONGEST_MS;
  let reads = 0;
  const goesOn = () => reads++ < MOST_READS && Date.now() < until;
  const original = join(folder, 'original');
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile());
  mkdirSync(original);
  for (const name of names) writeFileSync(join(original, name), readFileSync(join(folder, name)));
  for (const name of names) {
    const path = join(folder, name);
    let bytes = readFileSync(path);
    for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < bytes.length && goesOn(); ) {
        const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
        writeFileSync(path, shorter);
        if ((await failure(reader, folder)) === expected) bytes = shorter;
        else at += size;
      }
    }
    writeFileSync(path, bytes);
  }
}
