import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../errors/index.js';
import { identifyEntry, isFileFailure } from './entry.js';
import { entriesFolder, entryName, entryPath } from './folder.js';

/** An unfinished file of this age, in milliseconds, belongs to no process any more. */
const ABANDONED = 3_600_000;
/** As `writeFileAtomically` calls them. */
const UNFINISHED = /^\.radin-[0-9a-f]+\.tmp$/;

/** An entry of a cache folder. */
export interface CacheEntry {
  /** SHA-256 of its key. */
  readonly name: string;
  /** What it holds; undefined where it is no entry in spite of its name. */
  readonly kind: string | undefined;
  readonly bytes: number;
  /** When it was written or last read, in milliseconds since 1970. */
  readonly lastUse: number;
}

export interface PruneOptions {
  /** Entries that were last used before this time go, in milliseconds since 1970. */
  readonly usedBefore?: number;
  /** Of the others as many go, the least recently used first, as keep the rest within so many bytes. */
  readonly mostBytes?: number;
}

/** All entries, the most recently used first. Reads their keys only. A folder that is not there has none. @throws RadinError */
export async function listEntries(folder: string): Promise<CacheEntry[]> {
  const found: CacheEntry[] = [];
  for (const name of await namesIn(folder)) {
    const path = entryPath(folder, name);
    const status = await statusOf(path);
    if (status === undefined) continue;
    found.push({ name, kind: await kindIn(path, name, false), bytes: status.size, lastUse: status.mtimeMs });
  }
  return found.sort((a, b) => b.lastUse - a.lastUse || (a.name < b.name ? -1 : 1));
}

/**
 * Reads every entry and removes those whose checksum, key or name does not fit, and what is no file in the place of one. Cost: one read of all, in windows.
 * @returns how many are sound, and the names of those that were removed
 * @throws RadinError; the signal's reason once it is aborted
 */
export async function verifyEntries(
  folder: string,
  options: { signal?: AbortSignal } = {},
): Promise<{ sound: number; damaged: string[] }> {
  const damaged: string[] = [];
  let sound = 0;
  for (const name of await namesIn(folder)) {
    options.signal?.throwIfAborted();
    const path = entryPath(folder, name);
    if ((await kindIn(path, name, true)) !== undefined) sound++;
    else if ((await statusOf(path)) !== undefined) {
      await remove(path);
      damaged.push(name);
    }
  }
  return { sound, damaged };
}

/** Removes entries, and files that a process left unfinished an hour ago or more. @returns the entries that were removed @throws RadinError */
export async function pruneEntries(folder: string, { usedBefore, mostBytes }: PruneOptions): Promise<CacheEntry[]> {
  const entries = await listEntries(folder);
  let kept = 0;
  const removed = entries.filter(({ lastUse, bytes }) => {
    const isOld = usedBefore !== undefined && lastUse < usedBefore;
    // Once one does not fit, older ones do not either: a small one must not outlive a newer large one.
    if (!isOld) kept += bytes;
    return isOld || (mostBytes !== undefined && kept > mostBytes);
  });
  for (const { name } of removed) await remove(entryPath(folder, name));
  for (const file of (await allIn(folder)).filter((name) => UNFINISHED.test(name))) {
    const path = join(entriesFolder(folder), file);
    const status = await statusOf(path);
    if (status !== undefined && Date.now() - status.mtimeMs > ABANDONED) await remove(path);
  }
  return removed;
}

async function namesIn(folder: string): Promise<string[]> {
  return (await allIn(folder)).flatMap((file) => entryName(file) ?? []).sort();
}

async function allIn(folder: string): Promise<string[]> {
  const path = entriesFolder(folder);
  return readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw fileError('read the cache folder', path, error);
  });
}

/** Undefined where the file is gone, as when another process prunes. */
async function statusOf(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw fileError('read', path, error);
  });
}

/** Failures that say what an entry is; others say nothing of its bytes. */
const NO_ENTRY = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV', 'EISDIR'];

/** What is no entry has no kind. @throws RadinError where `checksum` is asked for and the bytes cannot be read: they may be sound */
async function kindIn(path: string, name: string, checksum: boolean): Promise<string | undefined> {
  return identifyEntry(path, name, checksum).catch((error: unknown) => {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (isFileFailure(error) && (!checksum || code === undefined || NO_ENTRY.includes(code))) return undefined;
    throw error;
  });
}

/** Also a folder that is in the place of an entry. */
async function remove(path: string): Promise<void> {
  await rm(path, { force: true, recursive: true }).catch((error: unknown) => {
    throw fileError('remove', path, error);
  });
}
