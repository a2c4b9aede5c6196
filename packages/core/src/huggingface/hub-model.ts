import { createHash, type Hash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, quote, RadinError } from '../errors/index.js';
import { ADAPTER_CONFIG, isAt, isShardIndex, shardNames } from '../formats/index.js';
import { MODEL_FILES } from '../pool/index.js';
import { HubCache, isThere } from './hub-cache.js';
import { HubClient, type HubFile } from './hub-client.js';
import { type HubReference, parseHubReference } from './hub-reference.js';
import { COMPANIONS } from './model-folder.js';

/** How often a download that breaks off goes on where it was. */
const ATTEMPTS = 5;

export interface HubOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of one file that have come, of all. */
  readonly onProgress?: (file: string, done: number, total: number) => void;
  /** Where `HF_HUB_CACHE`, `HF_TOKEN`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` are; default: the process's. */
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * The folder, or file, of a model that `hf://org/name@revision/path` names, in the cache that tools for the Hub share. What is missing of its
 * weights, configuration and tokenizer is downloaded, checked against the Hub's hashes, and only then has its place there.
 * @throws RadinError `CONFIG` where the reference names no model; `FILE` where the Hub, or offline the cache, does not have it
 */
export async function hubModel(text: string, options: HubOptions = {}): Promise<string> {
  const reference = parseHubReference(text);
  const { environment = process.env, signal } = options;
  const { HF_HUB_OFFLINE: offline = '' } = environment;
  const cache = new HubCache(reference, environment);
  if (/^(1|on|yes|true)$/i.test(offline)) return cachedModel(reference, cache);
  const client = await HubClient.open(reference, environment, signal);
  const commit = await client.commit();
  const files = await client.files(commit);
  const fetchFile = (file: HubFile) => download(client, cache, commit, file, options);
  const { path } = reference;
  const named = files.find((file) => file.path === path);
  const folder = named === undefined ? path : dirname(path) === '.' ? '' : dirname(path);
  const inFolder = new Map(
    files.flatMap((file) => {
      const at = file.path.lastIndexOf('/') + 1;
      return file.path.slice(0, Math.max(at - 1, 0)) === folder ? [[file.path.slice(at), file] as const] : [];
    }),
  );
  const weights = named === undefined ? MODEL_FILES.find((name) => inFolder.has(name)) : basename(path);
  const main = inFolder.get(weights ?? '');
  if (weights === undefined || main === undefined) {
    const where = path === '' ? 'the repository' : path;
    throw new RadinError('FILE', `Expected a model (${MODEL_FILES.join(', ')}) in ${where} of ${text} but found none`);
  }
  const others = named === undefined ? [...COMPANIONS, 'README.md', ADAPTER_CONFIG] : [];
  const model = await fetchFile(main);
  const shards = isShardIndex(weights) ? await shardNames(model) : [];
  for (const name of [...others, ...shards]) {
    const file = inFolder.get(name);
    if (file !== undefined) await fetchFile(file);
  }
  await cache.setCommit(reference.revision, commit);
  return named === undefined ? dirname(model) : model;
}

async function cachedModel({ text, revision, path }: HubReference, cache: HubCache): Promise<string> {
  const commit = await cache.commitOf(revision);
  const missing = (what: string) =>
    new RadinError('FILE', `Expected ${quote(text)} in the cache, because HF_HUB_OFFLINE is set, but found ${what}`);
  if (commit === undefined) throw missing(`no revision ${quote(revision)} in ${cache.folder}`);
  const place = join(cache.snapshot(commit), path);
  if (!(await isAt(place))) throw missing(`nothing at ${place}`);
  return place;
}

/** @returns the file's path in the snapshot */
async function download(
  client: HubClient,
  cache: HubCache,
  commit: string,
  file: HubFile,
  { signal, onProgress }: HubOptions,
): Promise<string> {
  const { path, size, hash } = file;
  const there = join(cache.snapshot(commit), path);
  if (await isThere(there, size)) return there;
  if (!(await isThere(cache.blob(hash), size))) {
    const temporary = join(await cache.blobs(), `${hash}.${randomBytes(8).toString('hex')}.incomplete`);
    try {
      const handle = await open(temporary, 'wx').catch((error: unknown) => {
        throw fileError('write', temporary, error);
      });
      await receive(client, commit, file, handle, (done) => {
        signal?.throwIfAborted();
        onProgress?.(path, done, size);
      }).finally(() => handle.close());
      await cache.adopt(temporary, hash);
    } finally {
      await rm(temporary, { force: true });
    }
  }
  return cache.link(commit, path, hash);
}

/** Writes a file's content as it comes and checks it. */
async function receive(
  client: HubClient,
  commit: string,
  file: HubFile,
  handle: FileHandle,
  progress: (done: number) => void,
): Promise<void> {
  const { path, size, hash } = file;
  const digest = digestOf(file);
  let done = 0;
  let failure: unknown;
  for (let attempt = 0; attempt < ATTEMPTS && done < size; attempt++) {
    try {
      progress(done);
      for await (const chunk of client.content(file, commit, done)) {
        if (done + chunk.byteLength > size) throw wrong(path, `${size} bytes`, 'more');
        await handle.writeFile(chunk).catch((error: unknown) => {
          throw fileError('write', `the cache for ${path}`, error);
        });
        digest.update(chunk);
        done += chunk.byteLength;
        progress(done);
      }
    } catch (error) {
      if (error instanceof RadinError) throw error;
      progress(done); // throws the signal's reason
      failure = error;
    }
  }
  if (done < size) throw wrong(path, `${size} bytes`, `${done} (${failure ?? 'the end'})`);
  const found = digest.digest('hex');
  if (found !== hash) throw wrong(path, `the hash ${hash}`, found);
  await handle.sync();
}

/** Of large files the SHA-256, of others what git calls them. */
function digestOf({ hash, size }: HubFile): Hash {
  return hash.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

function wrong(path: string, expected: string, found: string): RadinError {
  return new RadinError('FILE', `Expected ${expected} of ${path} from the Hub but found ${found}`);
}
