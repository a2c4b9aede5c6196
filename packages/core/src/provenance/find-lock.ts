import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileError } from '../errors/index.js';
import { INDEX_SUFFIX, isAt, readSmallFile, realPathAt } from '../formats/index.js';
import { LOCK_FILE } from '../mixture/index.js';
import { modelFileIn } from '../pool/index.js';
import type { Lock } from './lock.js';

/** Room for a million ingredients' files. */
const LONGEST_LOCK = 2 ** 28;
const LOCK_SUFFIX = '.lock.json';

/** A lock and where it is. */
export interface FoundLock {
  readonly path: string;
  /** What its paths are relative to. */
  readonly folder: string;
  readonly lock: Lock;
}

/** The name of the lock of a soup that may share its folder with others: `soup.safetensors.lock.json`. */
export function lockBeside(path: string): string {
  return `${path}${LOCK_SUFFIX}`;
}

/**
 * Finds the lock of what a path names: the lock itself, the folder that it is in, or the soup: a file, an index of shards or a model
 * folder. Of locks near a soup, one that lists it counts, or one that was
 * renamed together with it. Links are followed. @throws RadinError where nothing is there, or a lock is none
 */
export async function findLock(path: string): Promise<FoundLock | undefined> {
  const status = await stat(path).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  if (!status.isDirectory() && path.endsWith(LOCK_SUFFIX)) return readLock(path);
  if (status.isDirectory()) {
    const inside = join(path, LOCK_FILE);
    if (await isAt(inside)) return readLock(inside);
  }
  const soup = status.isDirectory() ? await modelFileIn(path) : path;
  if (soup === undefined) return undefined;
  const target = await realpath(soup);
  // Beside a link to the soup, and beside the soup.
  for (const place of new Set([resolve(soup), target])) {
    const folder = dirname(place);
    const stem = place.endsWith(INDEX_SUFFIX) ? `${place.slice(0, -INDEX_SUFFIX.length)}.safetensors` : place;
    for (const candidate of [lockBeside(stem), join(folder, LOCK_FILE), join(dirname(folder), LOCK_FILE)]) {
      if (!(await isAt(candidate))) continue;
      const found = await readLock(candidate);
      if (await lists(found, target)) return found;
      if (candidate === lockBeside(place) && (await isRenamed(found))) return ofName(found, basename(place));
    }
  }
  return undefined;
}

async function lists({ lock: { soup, adapter }, folder }: FoundLock, target: string): Promise<boolean> {
  const listed = adapter === undefined ? [soup] : [soup, adapter];
  const paths = await Promise.all(listed.map((name) => realPathAt(resolve(folder, name))));
  return paths.includes(target);
}

/** Whether a lock is of a soup in one file that is no longer there: it was renamed, and the lock with it. */
async function isRenamed({ lock: { soup, files }, folder }: FoundLock): Promise<boolean> {
  return files.length === 1 && files[0]?.path === soup && !(await isAt(resolve(folder, soup)));
}

/** The same lock of a soup with another name. */
function ofName({ lock, ...found }: FoundLock, name: string): FoundLock {
  return { ...found, lock: { ...lock, soup: name, files: lock.files.map((file) => ({ ...file, path: name })) } };
}

/** Reads a lock. @throws RadinError where it cannot be read or is none */
async function readLock(path: string): Promise<FoundLock> {
  const bytes = await readSmallFile(path, LONGEST_LOCK);
  // The reader of schemas takes a while to load, which other commands need not wait for.
  const { parseLock } = await import('./lock-schema.js');
  return { path, folder: await realpath(dirname(path)), lock: parseLock(new TextDecoder().decode(bytes), path) };
}
