import { rm } from 'node:fs/promises';
import { ContentCache, type ContentCacheOptions } from './content-cache.js';
import type { CacheKey } from './key.js';

/** What reads and writes results under their keys. */
export type ResultStore = Pick<ContentCache, 'read' | 'has' | 'write'>;

/** A cache of one run, whose folder is made when it is first used, and removed when the run is finished. */
export class PassingCache implements ResultStore {
  #cache: Promise<ContentCache> | undefined;
  #isEmpty = true;

  constructor(
    private readonly folder: string,
    private readonly options: ContentCacheOptions,
  ) {}

  async read(key: CacheKey, mostBytes: number): Promise<Uint8Array | undefined> {
    const found = await (await this.#open()).read(key, mostBytes);
    if (found !== undefined) this.#isEmpty = false;
    return found;
  }

  async has(key: CacheKey): Promise<boolean> {
    return (await this.#open()).has(key);
  }

  async write(key: CacheKey, payload: Uint8Array): Promise<void> {
    this.#isEmpty = false;
    return (await this.#open()).write(key, payload);
  }

  /** Whether nothing was found in it or written to it. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** @throws the system's error */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  #open(): Promise<ContentCache> {
    this.#cache ??= ContentCache.open(this.folder, this.options);
    return this.#cache;
  }
}
