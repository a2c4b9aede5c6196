import { basename, dirname, join } from 'node:path';
import { RadinError } from '../errors/index.js';
import { type FileSink, type StagedFile, stageFile, type WriteOptions } from './atomic-file.js';
import { Digest, type WrittenFile } from './digest.js';
import type { TensorInfo } from './dtype.js';
import { exchangeFiles, removeFiles } from './exchange-files.js';
import { type ProduceTensor, writeSafetensors, writeTensors } from './safetensors-writer.js';
import { INDEX_SUFFIX, readShardIndex } from './shard-index.js';

const SUFFIX = '.safetensors';
/** Shards are numbered with five digits. */
const MOST_SHARDS = 99_999;
/** The key of the index's metadata by which we know our own, which we may remove. */
const OURS = 'radin';

/** A model as it was written: one file, or shards and their index. */
export interface WrittenModel extends WrittenFile {
  /** What to open: the file, or the index. `bytes` and `sha256` are those of the shards, in order, and then the index. */
  readonly path: string;
  /** Names of the shards, in the folder of the index; absent for one file. */
  readonly shards?: readonly string[];
  /** Name of the file with the external data of an ONNX model, in its folder; `bytes` and `sha256` are then those of this file, then the model. */
  readonly externalData?: string;
}

/**
 * Writes a model in shards of at most so many bytes of tensors, named as Hugging Face names them: for `soup.safetensors`
 * `soup-00001-of-00003.safetensors` and so on, with `soup.safetensors.index.json`. A larger tensor has a shard for itself. Where all fit,
 * it is one file, `path`. An earlier model of that name, in one file or in shards that we wrote, is replaced in whole.
 *
 * All files are on disk under temporary names before any takes its place; a failure until then leaves everything as it was. Then an
 * earlier index goes first and the new one comes last: without an index, shards are no model, so that nobody can read half of one. A
 * failure in between leaves neither the new model nor one that it replaces.
 * @param path must end in `.safetensors`
 * @throws RadinError as `writeSafetensors`
 */
export async function writeShardedSafetensors(
  path: string,
  tensors: readonly TensorInfo[],
  metadata: ReadonlyMap<string, string>,
  produce: ProduceTensor,
  maxShardBytes: number,
  options: WriteOptions = {},
): Promise<WrittenModel> {
  if (!path.endsWith(SUFFIX)) {
    throw new RadinError('CONFIG', `Expected the name of a model in shards to end in ${SUFFIX} but found ${path}`);
  }
  const groups = divide(tensors, maxShardBytes);
  if (groups.length > MOST_SHARDS) {
    throw new RadinError('CONFIG', `Expected at most ${MOST_SHARDS} shards but found ${groups.length} for ${path}`);
  }
  const stem = path.slice(0, -SUFFIX.length);
  const earlier = await ownFiles(stem);
  if (groups.length < 2) {
    const written = await writeSafetensors(path, tensors, metadata, produce, options);
    await removeFiles(earlier);
    return { path, ...written };
  }
  const staged: StagedFile<void>[] = [];
  try {
    const digest = new Digest();
    const shardOf = new Map<string, string>();
    const names = groups.map((_, at) => `${basename(stem)}-${digits(at + 1)}-of-${digits(groups.length)}${SUFFIX}`);
    for (const [at, group] of groups.entries()) {
      const shard = join(dirname(path), names[at] as string);
      const write = (sink: FileSink) => writeTensors(digest.of(sink), group, metadata, produce, shard);
      staged.push(await stageFile(shard, write, options));
      for (const { name } of group) shardOf.set(name, names[at] as string);
    }
    const text = new TextEncoder().encode(indexText(tensors, shardOf, metadata));
    const index = `${stem}${INDEX_SUFFIX}`;
    staged.push(await stageFile(index, (sink) => digest.of(sink).write(text), options));
    options.signal?.throwIfAborted();
    await exchangeFiles(staged, [index, ...earlier, path]);
    return { path: index, ...digest.result(), shards: names };
  } catch (error) {
    await Promise.all(staged.map((file) => file.discard()));
    throw error;
  }
}

function digits(value: number): string {
  return String(value).padStart(5, '0');
}

/** Files that a model of this name, `path`, replaces: an earlier one, and index and shards of one that we wrote. @param path must end in `.safetensors` */
export async function earlierModel(path: string): Promise<string[]> {
  return [path, ...(await ownFiles(path.slice(0, -SUFFIX.length)))];
}

/** Index and shards of an earlier model that we wrote; nothing where there is none, or one of somebody else. */
async function ownFiles(stem: string): Promise<string[]> {
  const path = `${stem}${INDEX_SUFFIX}`;
  const index = await readShardIndex(path).catch((error: unknown) => {
    if (error instanceof RadinError) return undefined;
    throw error;
  });
  if (index?.metadata.get(OURS) === undefined) return [];
  const shard = /-\d{5}-of-\d{5}\.safetensors$/;
  const names = [...new Set(index.shards.values())].filter((name) => name.replace(shard, '') === basename(stem));
  return [path, ...names.map((name) => join(dirname(path), name))];
}

/** Tensors in their order, as many to a shard as fit. */
function divide(tensors: readonly TensorInfo[], most: number): TensorInfo[][] {
  const groups: TensorInfo[][] = [];
  let bytes = 0;
  for (const tensor of tensors) {
    const group = groups.at(-1);
    if (group === undefined || bytes + tensor.byteLength > most) {
      groups.push([tensor]);
      bytes = 0;
    } else group.push(tensor);
    bytes += tensor.byteLength;
  }
  return groups;
}

function indexText(
  tensors: readonly TensorInfo[],
  shardOf: ReadonlyMap<string, string>,
  metadata: ReadonlyMap<string, string>,
): string {
  const total = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const ours = { total_size: total, [OURS]: metadata.get(OURS) ?? '' };
  // Written entry by entry: an object would lose a tensor called __proto__ and move those whose names are numbers.
  const entries = [...shardOf].map(([name, shard]) => `    ${JSON.stringify(name)}: ${JSON.stringify(shard)}`);
  return `{\n  "metadata": ${JSON.stringify(ours)},\n  "weight_map": {\n${entries.join(',\n')}\n  }\n}\n`;
}
