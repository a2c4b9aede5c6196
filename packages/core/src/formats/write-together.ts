import { randomBytes } from 'node:crypto';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileError, RadinError } from '../errors/index.js';
import { synchroniseFolder, type WriteOptions } from './atomic-file.js';
import { removeFiles } from './exchange-files.js';
import { realPathAt } from './presence.js';

/** What was written, by names in the folder. */
export interface Together<T> {
  readonly value: T;
  /** Files and folders in the order in which they take their places: what tells that all are there comes last. */
  readonly entries: readonly string[];
  /** Earlier files that the new ones replace under other names, or that would contradict them; those that are not there too. */
  readonly replaced: readonly string[];
}

/**
 * Writes files and folders that only make sense together. `fill` writes all of them into a folder beside their places; then the last
 * entry's predecessor is removed first, so that whenever it is there all are there and belong together, then the other files that
 * are replaced, and the new ones take their places. A failure before leaves everything as it was; one in between, or the end of the
 * process, leaves files that do not contradict each other, without the last entry.
 * @param folder must be there
 * @throws RadinError `FILE` where the folder cannot be written to or something else than a file, or a folder, is in an entry's place;
 *   what `fill` throws
 */
export async function writeTogether<T>(
  folder: string,
  fill: (staging: string) => Promise<Together<T>>,
  { signal }: WriteOptions = {},
): Promise<T> {
  signal?.throwIfAborted();
  const staging = join(folder, `.radin-${randomBytes(8).toString('hex')}.tmp`);
  try {
    await mkdir(staging);
    const { value, entries, replaced } = await fill(staging);
    signal?.throwIfAborted();
    const moves: Move[] = [];
    for (const entry of entries) moves.push(await moveOf(join(staging, entry), join(folder, entry)));
    const last = moves.at(-1);
    if (last !== undefined && last.old === undefined) await removeFiles([last.to]);
    await synchroniseFolder(folder);
    await removeFiles(replaced.map((name) => join(folder, name)));
    for (const [at, { from, to, old }] of moves.entries()) {
      if (old !== undefined) await rename(to, join(staging, `${at}.old`)).catch(unlessMissing);
      await rename(from, to);
    }
    await synchroniseFolder(folder);
    return value;
  } catch (error) {
    throw fileError('write to the folder', folder, inPlaceOf(staging, folder, error));
  } finally {
    // Does not take the place of what there is to say.
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
  }
}

interface Move {
  readonly from: string;
  readonly to: string;
  /** Set where a folder is there, which no renaming replaces. */
  readonly old?: true;
}

/** Links to files are followed; devices such as `/dev/null`, and folders in the place of files, must not be replaced. */
async function moveOf(from: string, path: string): Promise<Move> {
  const isFolder = (await lstat(from)).isDirectory();
  const to = (await realPathAt(path)) ?? path;
  const found = await lstat(to).catch(unlessMissing);
  if (found === undefined) return { from, to };
  if (isFolder && found.isDirectory()) return { from, to, old: true };
  if (!isFolder && found.isFile()) return { from, to };
  const expected = isFolder ? 'a folder' : 'a regular file';
  throw new RadinError('FILE', `Expected to write ${expected} but found something else: ${path}`);
}

/** Users know the places of files and not where these are until then. */
function inPlaceOf(staging: string, folder: string, error: unknown): unknown {
  if (!(error instanceof RadinError && error.message.includes(staging))) return error;
  // In front of names: nothing for the folder `.`.
  const before = join(folder, '_').slice(0, -1);
  const message = error.message.replaceAll(`${staging}${sep}`, before).replaceAll(staging, folder);
  return new RadinError(error.code, message, { cause: error });
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
