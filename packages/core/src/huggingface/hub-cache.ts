import { copyFile, readFile, rename, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileError } from '../errors/index.js';
import { makeFolder, statusAt, writeTextAtomically } from '../formats/index.js';
import type { HubReference } from './hub-reference.js';

const COMMIT = /^[0-9a-f]{40}$/;

export function isCommit(text: unknown): text is string {
  return typeof text === 'string' && COMMIT.test(text);
}

/** The part of the cache that all tools for the Hub share in which one repository is: blobs by their hashes, and snapshots of links to them. */
export class HubCache {
  /** `…/models--org--name`. */
  readonly folder: string;

  constructor({ repository }: Pick<HubReference, 'repository'>, environment: NodeJS.ProcessEnv) {
    this.folder = join(cacheFolder(environment), `models--${repository.split('/').join('--')}`);
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  blob(hash: string): string {
    return join(this.folder, 'blobs', hash);
  }

  /** The commit that a revision was when it was last asked for; undefined where it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readFile(join(this.folder, 'refs', revision), 'utf8').catch(() => '');
    return isCommit(text.trim()) ? text.trim() : undefined;
  }

  /** Remembers what commit a revision is. */
  async setCommit(revision: string, commit: string): Promise<void> {
    if (revision === commit) return;
    const path = join(this.folder, 'refs', revision);
    await this.#made(dirname(path));
    await writeTextAtomically(path, commit);
  }

  /** Puts a blob that is there into a snapshot. @returns its path there */
  async link(commit: string, name: string, hash: string): Promise<string> {
    const path = join(this.snapshot(commit), name);
    await this.#made(dirname(path));
    const target = relative(dirname(path), this.blob(hash));
    await symlink(target, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return;
      // Windows allows links to some users only; copies are what the other tools make there.
      if (error.code !== 'EPERM') throw fileError('write', path, error);
      await copyFile(this.blob(hash), path);
    });
    return path;
  }

  /** Gives a file that was written whole its place. */
  async adopt(temporary: string, hash: string): Promise<void> {
    await rename(temporary, this.blob(hash)).catch((error: unknown) => {
      throw fileError('write', this.blob(hash), error);
    });
  }

  /** Makes the folder of blobs. @returns it */
  blobs(): Promise<string> {
    return this.#made(join(this.folder, 'blobs'));
  }

  async #made(folder: string): Promise<string> {
    await makeFolder(folder).catch((error: unknown) => {
      throw fileError('make the folder', folder, error);
    });
    return folder;
  }
}

/** Whether a file of that size is there. */
export async function isThere(path: string, bytes?: number): Promise<boolean> {
  const status = await statusAt(path);
  return status?.isFile() === true && (bytes === undefined || status.size === bytes);
}

/** By the variables that Hugging Face's own tools read. */
function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const { HF_HUB_CACHE: cache, HUGGINGFACE_HUB_CACHE: older } = environment;
  return cache || older || join(homeFolder(environment), 'hub');
}

function homeFolder({ HF_HOME: home, XDG_CACHE_HOME: caches }: NodeJS.ProcessEnv): string {
  return home || join(caches || join(homedir(), '.cache'), 'huggingface');
}

/** The user's token, from the environment or the file that `hf auth login` writes. */
export async function hubToken(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { HF_TOKEN: token, HUGGING_FACE_HUB_TOKEN: older, HF_TOKEN_PATH: path } = environment;
  const named = token || older;
  if (named) return named.trim();
  const text = await readFile(path || join(homeFolder(environment), 'token'), 'utf8').catch(() => '');
  return text.trim() || undefined;
}
