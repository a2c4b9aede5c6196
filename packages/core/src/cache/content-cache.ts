import { constants, existsSync } from 'node:fs';
import { access, lstat, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../errors/index.js';
import { makeFolder, writeFileAtomically, writeTextAtomically } from '../formats/light.js';
import { identifyEntry, isFileFailure, readEntry, writeEntry } from './entry.js';
import { entriesFolder, entryPath } from './folder.js';
import type { CacheKey } from './key.js';

/** Tells backup and synchronisation tools that the folder can be made again (bford.info/cachedir). */
const TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n# Results of radin that can be computed again.\n';

export interface ContentCacheOptions {
  /** Called once, with one line, when an entry cannot be written; nothing is written after that. */
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

  /** Makes the folder where it is not there. @throws RadinError (`FILE`) where it cannot be made or written to */
  static async open(folder: string, options: ContentCacheOptions = {}): Promise<ContentCache> {
    try {
      await makeFolder(entriesFolder(folder));
      await access(entriesFolder(folder), constants.W_OK);
    } catch (error) {
      throw fileError('write to the cache folder', folder, error);
    }
    // Not each time: a cache on a disk that is full by now can still be read.
    const tag = join(folder, 'CACHEDIR.TAG');
    if (!existsSync(tag)) await writeTextAtomically(tag, TAG);
    return new ContentCache(folder, options);
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
      // A link in place of an entry must not lead to another file of the user's being replaced.
      if ((await lstat(path).catch(() => undefined))?.isSymbolicLink()) await rm(path, { force: true });
      await writeFileAtomically(path, (sink) => writeEntry(sink, key, payload));
    } catch (error) {
      const failure = fileError('write', path, error);
      if (!isFileFailure(failure)) throw error;
      if (!this.#writes) return;
      this.#writes = false;
      this.#onFailure(failure.message);
    }
  }
}
