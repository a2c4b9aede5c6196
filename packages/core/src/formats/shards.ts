import { dirname, join } from 'node:path';
import type { SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { isAdapterFile } from './lora-adapter.js';
import { ADAPTER_CONFIG } from './peft-config.js';
import { openPyTorch, type PyTorchOptions } from './pytorch-reader.js';
import { openSafetensors, type SafetensorsFile } from './safetensors-reader.js';
import { isShardIndex, PYTORCH_INDEX_SUFFIX, readShardIndex, type ShardIndex, shardPaths } from './shard-index.js';
import type { TensorFile } from './tensor-file.js';

/** Opens a safetensors file, or all shards of one model by their index, as one. @throws RadinError as `openSafetensors` and `openShards` */
export function openSafetensorsModel(path: string): Promise<SafetensorsFile> {
  return isShardIndex(path) ? openShards(path, openSafetensors) : openSafetensors(path);
}

/** The same for PyTorch files. @throws as `openPyTorch` and `openShards` */
export function openPyTorchModel(path: string, options: PyTorchOptions = {}): Promise<TensorFile> {
  return isShardIndex(path) ? openShards(path, (shard) => openPyTorch(shard, options)) : openPyTorch(path, options);
}

/** The files that a model consists of: itself, or its index and shards, or an adapter and its configuration. @throws RadinError */
export async function safetensorsFiles(path: string): Promise<string[]> {
  if (isAdapterFile(path)) return [path, join(dirname(path), ADAPTER_CONFIG)];
  if (!isShardIndex(path)) return [path];
  return [path, ...(await shardPaths(await readShardIndex(path))).values()];
}

/** Names of the shards of an index, which may not be there yet. @throws RadinError */
export async function shardNames(index: string): Promise<string[]> {
  return [...new Set((await readShardIndex(index)).shards.values())].sort();
}

/**
 * Opens a model in shards by its index. Reads headers only. Every tensor of the index must be in exactly the shard that the index
 * names, and no shard may hold another one. Tensors come in the order of the shards' names; metadata are those that all shards share.
 * @throws RadinError as for one file; `FORMAT` where index and shards disagree
 */
async function openShards<File extends TensorFile>(
  path: string,
  openShard: (path: string) => Promise<File>,
): Promise<Shards<File>> {
  const index = await readShardIndex(path);
  const paths = await shardPaths(index);
  const opened = new Map<string, File>();
  try {
    for (const [name, shard] of paths) opened.set(name, await openShard(shard));
    checkShards(index, opened);
    return new Shards(index, opened);
  } catch (error) {
    await Promise.all([...opened.values()].map((shard) => shard.close()));
    throw error;
  }
}

function checkShards(index: ShardIndex, opened: ReadonlyMap<string, TensorFile>): void {
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
  // PyTorch's counts tensors that share memory once.
  if (index.path.endsWith(PYTORCH_INDEX_SUFFIX)) return;
  if (totalSize !== undefined && totalSize !== bytes) {
    failFormat(`${totalSize} bytes of tensors, the index's total_size,`, `${bytes}`, `the shards of ${index.path}`);
  }
}

function missing({ path, shards }: ShardIndex, opened: ReadonlyMap<string, TensorFile>): RadinError {
  const there = new Set([...opened.values()].flatMap(({ tensors }) => tensors.map(({ name }) => name)));
  const [tensor, shard] = [...shards].find(([name]) => !there.has(name)) as [string, string];
  return new RadinError(
    'FORMAT',
    `Expected the tensor ${quote(tensor)} in the shard ${quote(shard)}, as ${path} says, but found none of that name there`,
  );
}

class Shards<File extends TensorFile> implements TensorFile {
  readonly path: string;
  readonly tensors: TensorFile['tensors'];
  readonly metadata: File['metadata'];
  readonly #shards: readonly File[];
  readonly #shardOf: ReadonlyMap<string, File>;

  constructor({ path }: ShardIndex, opened: ReadonlyMap<string, File>) {
    const shards = [...opened.values()];
    const [first, ...others] = shards as [File, ...File[]];
    this.path = path;
    this.tensors = shards.flatMap(({ tensors }) => tensors);
    this.metadata =
      first.metadata &&
      new Map([...first.metadata].filter(([key, text]) => others.every(({ metadata }) => metadata?.get(key) === text)));
    this.#shards = shards;
    this.#shardOf = new Map(shards.flatMap((shard) => shard.tensors.map(({ name }) => [name, shard] as const)));
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    await this.#holding(name).read(name, target, byteOffset);
  }

  range(name: string): ReturnType<File['range']> {
    return this.#holding(name).range(name) as ReturnType<File['range']>;
  }

  async check(name: string): Promise<void> {
    await this.#holding(name).check?.(name);
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

  #holding(name: string): File {
    const shard = this.#shardOf.get(name);
    if (shard !== undefined) return shard;
    throw new RangeError(`Expected the name of a tensor of ${this.path} but received ${quote(name)}`);
  }
}
