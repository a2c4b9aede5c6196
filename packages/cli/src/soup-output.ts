import { dirname, join, relative, resolve } from 'node:path';
import {
  type CardFacts,
  checkReplaceable,
  configNotices,
  FileCheckpoint,
  formatScore,
  isAdapterFile,
  isOnnxPool,
  type LoraAdapter,
  type Metric,
  type Mixture,
  modelFolders,
  ONNX_SOUP_FILE,
  openLoraAdapter,
  type Pool,
  type Problem,
  RadinError,
  SOUP_FILE,
  type WrittenFolder,
  type WrittenSoup,
  writeAdapterFolder,
  writeModelFolder,
  writeSoup,
} from '@radin/core';
import { VERSION } from './versions.js';

/** The folder of a soup of model folders, in that of the results. */
const SOUP_FOLDER = 'soup';
/** The same of a soup of adapters, as an adapter. */
const ADAPTER_FOLDER = 'soup-adapter';

export interface SoupOptions {
  readonly signal: AbortSignal;
  readonly maxShardBytes?: number;
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

/**
 * Writes the soup into the folder of the results: as a file, or as a model folder where the models are such folders, and where all are
 * adapters as an adapter besides. @returns what the results say of it, the paths written, and notices
 */
export async function writeSoupFiles(
  out: string,
  { pool, soups }: Problem,
  mixture: Mixture,
  facts: CardFacts,
  options: SoupOptions,
): Promise<{ entries: WrittenSoup; paths: readonly string[]; notices: readonly string[] }> {
  const soup = await soups.open(mixture, options);
  const folders = await modelFolders(pool.checkpoints);
  const notices: string[] = [];
  let path: string;
  const name = isOnnxPool(pool) ? ONNX_SOUP_FILE : SOUP_FILE;
  if (folders === undefined) ({ path } = await writeSoup(join(out, name), soup, pool, options));
  else {
    const written = await writeModelFolder(join(out, SOUP_FOLDER), soup, pool, folders, facts, options);
    path = written.path;
    notices.push(...written.notices);
  }
  const adapters = adapterPaths(pool);
  let adapterFolder: string | undefined;
  if (adapters !== undefined) {
    try {
      const written = await writeAdapters(join(out, ADAPTER_FOLDER), adapters, mixture, facts, options);
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
  return { entries, paths: [path, ...(adapterFolder ? [join(out, adapterFolder)] : [])], notices };
}

/** Writes the soup of adapters, named by the files of their weights, as an adapter. */
export async function writeAdapters(
  folder: string,
  paths: readonly string[],
  mixture: Mixture,
  facts: CardFacts,
  options: SoupOptions,
): Promise<WrittenFolder> {
  const adapters: LoraAdapter[] = [];
  try {
    for (const path of paths) adapters.push(await openLoraAdapter(path));
    return await writeAdapterFolder(folder, adapters, mixture, facts, options);
  } finally {
    await Promise.all(adapters.map((adapter) => adapter.close()));
  }
}

/** What a model card says of a soup that a command found. */
export function cardFacts(
  method: string,
  { validation, test }: Problem,
  metric: Metric,
  scores: { readonly validation: number | undefined; readonly test: number | undefined },
): CardFacts {
  const line = (split: string, score: number | undefined, samples: number | undefined) =>
    score === undefined || samples === undefined
      ? []
      : [{ split, metric: metric.name, score: formatScore(score, metric), samples }];
  return {
    method,
    version: VERSION,
    scores: [...line('validation', scores.validation, validation.samples), ...line('test', scores.test, test?.samples)],
  };
}

/** Files of the adapters' weights; undefined where a model is none. */
function adapterPaths({ checkpoints }: Pool): readonly string[] | undefined {
  const paths = checkpoints.flatMap((model) => (model instanceof FileCheckpoint ? [model.path] : []));
  return paths.length === checkpoints.length && paths.every(isAdapterFile) ? paths : undefined;
}
