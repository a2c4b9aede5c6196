import { constants, existsSync } from 'node:fs';
import { access, lstat, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, type RadinError } from '../errors/index.js';
import { makeFolder, writeFileAtomically, writeTextAtomically } from '../formats/light.js';
import { identifyEntry, isFileFailure, readEntry, writeEntry } from './entry.js';
import { entriesFolder, entryPath } from './folder.js';
import type { CacheKey } from './key.js';

/** Tells backup and synchronisation tools that the folder can be made again (bford.info/cachedir). */
const TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n# Results of radin that can be computed again.\n';

export interface ContentCacheOptions {
  /** Called once, with one line, when the folder or an entry cannot be written; nothing is written after that. */
  readonly onFailure?: (message: string) => void;
}

/**
 * Results on disk, each under a key of everything that it was computed from. An entry appears whole or not at all, also for
 * another process, and is read only if its checksum fits: what is damaged, cut off or foreign is as if it were not there, and is
 * replaced when the result is computed again. A disk that fails costs the entry and not the run.
 */
export class ContentCache {
  readonly #onFailure: (message: string) => void;
  #writes = true;

  private constructor(
    readonly folder: string,
    { onFailure }: ContentCacheOptions,
  ) {
    this.#onFailure = onFailure ?? (() => {});
  }

  /**
   * Makes the folder where it is not there. One that can be read and not written to, as of somebody else or on a full disk, is read, and
   * `onFailure` is called. @throws RadinError (`FILE`) where it is none and cannot be made, or cannot be read
   */
  static async open(folder: string, options: ContentCacheOptions = {}): Promise<ContentCache> {
    const cache = new ContentCache(folder, options);
    const entries = entriesFolder(folder);
    try {
      await makeFolder(entries);
      await access(entries, constants.W_OK);
      // Not each time: a cache on a disk that is full by now can still be read.
      const tag = join(folder, 'CACHEDIR.TAG');
      if (!existsSync(tag)) await writeTextAtomically(tag, TAG);
    } catch (error) {
      const failure = fileError('write to the cache folder', folder, error);
      if (!isFileFailure(failure) || !(await isReadableFolder(entries))) throw failure;
      cache.#stopWriting(failure);
    }
    return cache;
  }

  /** What is stored under the key, at most `mostBytes`; undefined where nothing sound is. Cost: one read, and its hash. */
  async read(key: CacheKey, mostBytes: number): Promise<Uint8Array | undefined> {
    const path = entryPath(this.folder, key.name);
    try {
      const found = await readEntry(path, key, mostBytes);
      const now = new Date();
      // An entry of somebody else's is as good, though its last use cannot be noted.
      if (found !== undefined) await utimes(path, now, now).catch(() => undefined);
      return found;
    } catch (error) {
      if (isFileFailure(error)) return undefined;
      throw error;
    }
  }

  /** Whether something is stored under the key, without a look at its bytes or a note of its use. */
  async has(key: CacheKey): Promise<boolean> {
    const kind = await identifyEntry(entryPath(this.folder, key.name), key.name, false).catch((error: unknown) => {
      if (isFileFailure(error)) return undefined;
      throw error;
    });
    return kind !== undefined;
  }

  /** Stores a result, on disk when this returns. Does nothing after a failure. */
  async write(key: CacheKey, payload: Uint8Array): Promise<void> {
    if (!this.#writes) return;
    const path = entryPath(this.folder, key.name);
    try {
      await makeWay(path);
      await writeFileAtomically(path, (sink) => writeEntry(sink, key, payload));
    } catch (error) {
      const failure = fileError('write', path, error);
      if (!isFileFailure(failure)) throw error;
      this.#stopWriting(failure);
    }
  }

  #stopWriting({ message }: RadinError): void {
    if (!this.#writes) return;
    this.#writes = false;
    this.#onFailure(message);
  }
}

/** Removes what is in the place of an entry and no file: a link must not lead to another file of the user's being replaced. */
async function makeWay(path: string): Promise<void> {
  const status = await lstat(path).catch(() => undefined);
  if (status !== undefined && !status.isFile()) await rm(path, { force: true, recursive: true });
}

async function isReadableFolder(folder: string): Promise<boolean> {
  return readdir(folder).then(
    () => true,
    () => false,
  );
}
