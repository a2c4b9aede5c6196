import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileError, quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { allocate, withRegularFile } from './regular-file.js';
import { LONGEST_HEADER } from './safetensors-header.js';
import { parseStrictJson, type StrictJson } from './strict-json.js';

/** How the name of an index ends; what stands before it names the model. */
export const INDEX_SUFFIX = '.safetensors.index.json';

/** The same of shards that are PyTorch files. */
export const PYTORCH_INDEX_SUFFIX = '.bin.index.json';

/** Whether the file is an index of shards, by its name. */
export function isShardIndex(path: string): boolean {
  return path.endsWith(INDEX_SUFFIX) || path.endsWith(PYTORCH_INDEX_SUFFIX);
}

/** A model in several files, as Hugging Face writes them: which file holds which tensor. */
export interface ShardIndex {
  readonly path: string;
  /** The shard's file name for each tensor's name. */
  readonly shards: ReadonlyMap<string, string>;
  /** Bytes of all tensors together, where the index says so. */
  readonly totalSize: number | undefined;
  /** Texts in the index's metadata. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads and checks an index. Shards must be named by plain file names: they lie in the folder of the index.
 * @throws RadinError `FILE` where it cannot be read, `FORMAT` where it is no index
 */
export async function readShardIndex(path: string): Promise<ShardIndex> {
  const bytes = await withRegularFile(path, async (file) => {
    if (file.size > LONGEST_HEADER) failFormat(`an index of at most ${LONGEST_HEADER} bytes`, `${file.size}`, path);
    const content = allocate(file.size, path);
    await file.read(content, 0);
    return content;
  });
  const index = parseJson(bytes, path);
  if (!(index instanceof Map)) failFormat('an object with a weight_map', 'something else', path);
  const shards = parseWeightMap(index.get('weight_map'), path);
  const metadata = index.get('metadata') ?? new Map<string, StrictJson>();
  if (!(metadata instanceof Map)) failFormat('metadata to be an object', 'something else', path);
  const totalSize = (metadata as ReadonlyMap<string, StrictJson>).get('total_size');
  if (totalSize !== undefined && (typeof totalSize !== 'number' || totalSize < 0)) {
    failFormat('total_size to be a number of bytes', 'something else', path);
  }
  const texts = [...(metadata as ReadonlyMap<string, StrictJson>)].filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return { path, shards, totalSize: totalSize as number | undefined, metadata: new Map(texts) };
}

/**
 * Paths of the shards of an index, by name. @throws RadinError where one is missing or a link leads out of the index's folder, other
 * than to the blobs of the same repository in a cache of the Hub, where every file of a snapshot is such a link
 */
export async function shardPaths({ path, shards }: ShardIndex): Promise<ReadonlyMap<string, string>> {
  const folder = dirname(path);
  const paths = new Map<string, string>();
  const targets = new Map<string, string>();
  const realFolder = await realpath(folder).catch((error: unknown) => {
    throw fileError('read', folder, error);
  });
  for (const name of [...new Set(shards.values())].sort()) {
    const shard = join(folder, name);
    const target = await realpath(shard).catch((error: unknown) => {
      throw fileError(`read the shard that ${path} names,`, shard, error);
    });
    if (dirname(target) !== realFolder && !isBlobOf(target, realFolder)) {
      throw new RadinError('FILE', `Expected shards in the folder of ${path} but found a link out of it: ${shard}`);
    }
    const earlier = targets.get(target);
    if (earlier !== undefined) failFormat('different shards', `${quote(name)} and ${quote(earlier)}, one file`, path);
    targets.set(target, name);
    paths.set(name, shard);
  }
  return paths;
}

/** Whether `target` is `models--org--name/blobs/HASH` and `folder` is in `models--org--name/snapshots`. */
function isBlobOf(target: string, folder: string): boolean {
  const blobs = dirname(target);
  const repository = dirname(blobs);
  return (
    basename(blobs) === 'blobs' &&
    basename(repository).startsWith('models--') &&
    relative(repository, folder).startsWith(`snapshots${sep}`)
  );
}

function parseJson(bytes: Uint8Array, path: string): StrictJson {
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RadinError('FORMAT', `Expected JSON in ${path}, but: ${error.message}`, { cause: error });
  }
}

function parseWeightMap(map: StrictJson | undefined, path: string): ReadonlyMap<string, string> {
  if (!(map instanceof Map) || map.size === 0) {
    failFormat('a weight_map, an object that names the shard of each tensor', 'none', path);
  }
  const extension = path.endsWith(PYTORCH_INDEX_SUFFIX) ? '.bin' : '.safetensors';
  for (const [tensor, shard] of map as ReadonlyMap<string, StrictJson>) {
    if (typeof shard === 'string' && isPlainName(shard) && shard.endsWith(extension)) continue;
    const found = typeof shard === 'string' ? quote(shard) : 'something else';
    failFormat(
      `the name of a ${extension.slice(1)} file in the same folder`,
      found,
      `${path}, tensor ${quote(tensor)}`,
    );
  }
  return map as ReadonlyMap<string, string>;
}

/** Backslashes separate folders on Windows, and a colon begins a drive or a stream there. */
function isPlainName(name: string): boolean {
  return basename(name) === name && !/[/\\:\0]/.test(name) && /[^.].*\.\w+$/.test(name);
}
