import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import {
  type CardFacts,
  type CardScore,
  checkReplaceable,
  configNotices,
  earlierModel,
  FileCheckpoint,
  formatScore,
  isAdapterFile,
  isOnnx,
  isOnnxPool,
  type Mixture,
  modelFiles,
  modelFolders,
  ONNX_SOUP_FILE,
  openEach,
  openLoraAdapter,
  type Pool,
  type PoolFiles,
  type Problem,
  RadinError,
  SOUP_FILE,
  type SoupRecord,
  type SoupSources,
  type SplitScorer,
  type WrittenFile,
  type WrittenFolder,
  type WrittenModel,
  type WrittenSoup,
  writeAdapterFolder,
  writeModelFolder,
  writeSoup,
} from '@radin/core';

/** The folder of a soup of model folders, in that of the results. */
const SOUP_FOLDER = 'soup';
/** The same of a soup of adapters, as an adapter. */
const ADAPTER_FOLDER = 'soup-adapter';

/** Room for the lock, the results and the companions of a model folder. */
const OTHER_FILES = 2 ** 20;

export interface SoupOptions {
  readonly signal: AbortSignal;
  readonly maxShardBytes?: number;
  /** What the soup's metadata say of it; its ingredients and weights alone, where it is left out. */
  readonly record?: SoupRecord;
}

/** What the user should know of the folders of the pool's models, before hours of evaluation. @param out the folder of the results, which is checked */
export async function prepareSoup(pool: Pool, out: string | undefined): Promise<readonly string[]> {
  const folders = await modelFolders(pool.checkpoints);
  const adapters = adapterPaths(pool);
  if (out !== undefined) {
    checkApart(out, [...(folders ?? []), ...(adapters ?? []).map((path) => dirname(path))]);
    if (folders !== undefined) await checkReplaceable(join(out, SOUP_FOLDER));
    if (adapters !== undefined) await checkReplaceable(join(out, ADAPTER_FOLDER));
  }
  return folders === undefined ? [] : configNotices(folders);
}

/** A soup among the models' folders would join the pool in the next run. */
function checkApart(out: string, folders: readonly string[]): void {
  if (folders.every((folder) => dirname(resolve(folder)) !== resolve(out))) return;
  throw new RadinError(
    'CONFIG',
    `Expected --out to be another folder than that of the models' folders but found ${out}`,
  );
}

/** A soup as it was written. */
export interface SoupFiles {
  /** What the results say of it. */
  readonly entries: WrittenSoup;
  readonly paths: readonly string[];
  readonly notices: readonly string[];
  /** Of files by their names in the folder, where they are known. */
  readonly digests: ReadonlyMap<string, WrittenFile>;
}

/**
 * Writes the soup into the folder of the results: as a file, or as a model folder where the models are such folders, and where all are
 * adapters as an adapter besides.
 */
export async function writeSoupFiles(
  out: string,
  { pool, soups }: Problem,
  mixture: Mixture,
  facts: CardFacts,
  options: SoupOptions,
): Promise<SoupFiles> {
  const soup = await soups.open(mixture, options);
  const folders = await modelFolders(pool.checkpoints);
  const notices: string[] = [];
  const name = isOnnxPool(pool) ? ONNX_SOUP_FILE : SOUP_FILE;
  const { notices: own = [], ...model }: WrittenModel & Partial<WrittenFolder> =
    folders === undefined
      ? await writeSoup(join(out, name), soup, pool, options)
      : await writeModelFolder(join(out, SOUP_FOLDER), soup, pool, folders, facts, options);
  notices.push(...own);
  const { path } = model;
  const adapters = adapterPaths(pool);
  let adapterFolder: string | undefined;
  if (adapters !== undefined) {
    try {
      const base = pool.checkpoints.flatMap((model) => (model instanceof FileCheckpoint ? (model.base ?? []) : []))[0];
      const written = await writeAdapters(join(out, ADAPTER_FOLDER), adapters, mixture, facts, {
        ...options,
        ...(base !== undefined && { base }),
      });
      notices.push(...written.notices);
      adapterFolder = ADAPTER_FOLDER;
    } catch (error) {
      // The soup is written: what an adapter cannot say must not lose it.
      if (!(error instanceof RadinError) || error.code !== 'POOL') throw error;
      notices.push(`the soup is not written as an adapter: ${error.message}`);
    }
  }
  const soupFile = relative(out, path);
  const entries = { ...(soupFile !== SOUP_FILE && { soupFile }), ...(adapterFolder && { adapterFolder }) };
  return {
    entries,
    paths: [path, ...(adapterFolder ? [join(out, adapterFolder)] : [])],
    notices,
    digests: digestsOf(soupFile, model),
  };
}

/** Writes the soup of adapters, named by the files of their weights, as an adapter. */
export async function writeAdapters(
  folder: string,
  paths: readonly string[],
  mixture: Mixture,
  facts: CardFacts,
  options: SoupOptions & { readonly base?: string },
): Promise<WrittenFolder> {
  const adapters = await openEach(paths, openLoraAdapter);
  try {
    return await writeAdapterFolder(folder, adapters, mixture, facts, options);
  } finally {
    await Promise.all(adapters.map((adapter) => adapter.close()));
  }
}

/**
 * Names, in a folder, of all files of a soup that was written there, in subfolders too, and of what is in the folder itself in the order
 * in which it is to take its place: what makes a soup of several files whole comes last.
 */
export async function soupNames(folder: string): Promise<{ files: readonly string[]; entries: readonly string[] }> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  const isWhole = (name: string) => name.endsWith('.index.json') || isOnnx(name);
  const entries = found.filter(({ parentPath }) => relative(folder, parentPath) === '').map(({ name }) => name);
  return {
    files: files.sort(),
    entries: entries.sort((a, b) => Number(isWhole(a)) - Number(isWhole(b)) || (a < b ? -1 : 1)),
  };
}

/** What is known of a soup's files since they were written: a soup in several files is known as a whole alone. */
export function digestsOf(
  name: string,
  { bytes, sha256, shards, externalData }: WrittenModel,
): ReadonlyMap<string, WrittenFile> {
  return new Map(shards === undefined && externalData === undefined ? [[name, { bytes, sha256 }]] : []);
}

/** Earlier files in a folder that a soup of this name replaces and that would make no soup with its own, by name. */
export async function replacedBy(folder: string, name: string, entries: readonly string[]): Promise<readonly string[]> {
  const earlier = name.endsWith('.safetensors') ? await earlierModel(join(folder, name)) : [join(folder, name)];
  const names = earlier.map((path) => basename(path));
  // One file takes the place of another at once.
  return entries.length === 1 ? names.filter((other) => other !== entries[0]) : names;
}

/** Bytes of a pool's soup with all that is written beside it, at most. */
export async function soupBytes(pool: Pool): Promise<number> {
  const weights = pool.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const sizes = async (paths: readonly string[]) =>
    (await Promise.all(paths.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);
  const [first] = pool.checkpoints;
  // What of a model in ONNX is no weight is copied.
  const onnx = isOnnxPool(pool) && first instanceof FileCheckpoint ? await sizes(await modelFiles(first.path)) : 0;
  // Adapters of 16-bit floats become one of 32 bits.
  const adapters = 2 * (await sizes(adapterPaths(pool) ?? []));
  return Math.max(weights, onnx) + adapters + OTHER_FILES;
}

/** Where what made a soup besides its ingredients is. */
export function soupSources(files: PoolFiles, { batch }: Pick<SoupSources, 'batch'> = {}): SoupSources {
  const { graph, base, stateDict, output, rename, task, batchNormInputs, validation, test, models } = files;
  const architecture = graph === undefined ? models.filter(isOnnx) : [];
  return {
    ...(graph !== undefined && { graph }),
    ...(architecture.length > 0 && { architecture }),
    ...(base !== undefined && { base }),
    ...(stateDict !== undefined && { stateDict }),
    ...(output !== undefined && { output }),
    ...(rename !== undefined && { rename }),
    ...(task !== undefined && { task }),
    ...(batchNormInputs !== undefined && { batchNormInputs }),
    validation,
    ...(test !== undefined && { test }),
    ...(batch !== undefined && { batch }),
  };
}

/** A score that a model card can say; none where there is none. */
export function cardScores(scorer: SplitScorer | undefined, score: number | undefined): readonly CardScore[] {
  if (scorer === undefined || score === undefined) return [];
  const { metric, samples, split } = scorer;
  return [{ split: split.name, metric: metric.name, score: formatScore(score, metric), samples }];
}

/** Files of the adapters' weights; undefined where a model is none. */
function adapterPaths({ checkpoints }: Pool): readonly string[] | undefined {
  const paths = checkpoints.flatMap((model) => (model instanceof FileCheckpoint ? [model.path] : []));
  return paths.length === checkpoints.length && paths.every(isAdapterFile) ? paths : undefined;
}
