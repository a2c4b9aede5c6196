import type { FileRange, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { INDEX_SUFFIX, readShardIndex, type ShardIndex, shardPaths } from './safetensors-index.js';
import { openSafetensors, type SafetensorsFile } from './safetensors-reader.js';

/** Opens a safetensors file, or all shards of one model by their index, as one. @throws RadinError as `openSafetensors` and `openShards` */
export function openSafetensorsModel(path: string): Promise<SafetensorsFile> {
  return path.endsWith(INDEX_SUFFIX) ? openShards(path) : openSafetensors(path);
}

/** The files that a model consists of: itself, or its index and shards. @throws RadinError */
export async function safetensorsFiles(path: string): Promise<string[]> {
  if (!path.endsWith(INDEX_SUFFIX)) return [path];
  return [path, ...(await shardPaths(await readShardIndex(path))).values()];
}

/**
 * Opens a model in shards by its index. Reads headers only. Every tensor of the index must be in exactly the shard that the index
 * names, and no shard may hold another one. Tensors come in the order of the shards' names; metadata are those that all shards share.
 * @throws RadinError as for one file; `FORMAT` where index and shards disagree
 */
async function openShards(path: string): Promise<SafetensorsFile> {
  const index = await readShardIndex(path);
  const paths = await shardPaths(index);
  const opened = new Map<string, SafetensorsFile>();
  try {
    for (const [name, shard] of paths) opened.set(name, await openSafetensors(shard));
    checkShards(index, opened);
    return new Shards(index, opened);
  } catch (error) {
    await Promise.all([...opened.values()].map((shard) => shard.close()));
    throw error;
  }
}

function checkShards(index: ShardIndex, opened: ReadonlyMap<string, SafetensorsFile>): void {
  let bytes = 0;
  let found = 0;
  for (const [name, shard] of opened) {
    for (const tensor of shard.tensors) {
      bytes += tensor.byteLength;
      found++;
      const expected = index.shards.get(tensor.name);
      if (expected === name) continue;
      const place = expected === undefined ? 'in no shard' : `in ${quote(expected)} only`;
      const where = `${shard.path}, against its index ${index.path}`;
      failFormat(`the tensor ${quote(tensor.name)} ${place}`, 'it', where);
    }
  }
  if (found < index.shards.size) throw missing(index, opened);
  const { totalSize } = index;
  if (totalSize !== undefined && totalSize !== bytes) {
    failFormat(`${totalSize} bytes of tensors, the index's total_size,`, `${bytes}`, `the shards of ${index.path}`);
  }
}

function missing({ path, shards }: ShardIndex, opened: ReadonlyMap<string, SafetensorsFile>): RadinError {
  const there = new Set([...opened.values()].flatMap(({ tensors }) => tensors.map(({ name }) => name)));
  const [tensor, shard] = [...shards].find(([name]) => !there.has(name)) as [string, string];
  return new RadinError(
    'FORMAT',
    `Expected the tensor ${quote(tensor)} in the shard ${quote(shard)}, as ${path} says, but found none of that name there`,
  );
}

class Shards implements SafetensorsFile {
  readonly path: string;
  readonly tensors: SafetensorsFile['tensors'];
  readonly metadata: ReadonlyMap<string, string>;
  readonly #shards: readonly SafetensorsFile[];
  readonly #shardOf: ReadonlyMap<string, SafetensorsFile>;

  constructor({ path }: ShardIndex, opened: ReadonlyMap<string, SafetensorsFile>) {
    const shards = [...opened.values()];
    const [first, ...others] = shards as [SafetensorsFile, ...SafetensorsFile[]];
    this.path = path;
    this.tensors = shards.flatMap(({ tensors }) => tensors);
    this.metadata = new Map(
      [...first.metadata].filter(([key, text]) => others.every(({ metadata }) => metadata.get(key) === text)),
    );
    this.#shards = shards;
    this.#shardOf = new Map(shards.flatMap((shard) => shard.tensors.map(({ name }) => [name, shard] as const)));
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    await this.#holding(name).read(name, target, byteOffset);
  }

  range(name: string): FileRange {
    return this.#holding(name).range(name);
  }

  unreadable(name: string, error: SourceError): RadinError {
    return this.#holding(name).unreadable(name, error);
  }

  /** Of all shards: the index counts only when it is opened. */
  async stamp(): Promise<string> {
    return (await Promise.all(this.#shards.map((shard) => shard.stamp()))).join(';');
  }

  async close(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.close()));
  }

  #holding(name: string): SafetensorsFile {
    const shard = this.#shardOf.get(name);
    if (shard !== undefined) return shard;
    throw new RangeError(`Expected the name of a tensor of ${this.path} but received ${quote(name)}`);
  }
}
