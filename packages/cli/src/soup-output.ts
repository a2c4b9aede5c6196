import { dirname, join, relative, resolve } from 'node:path';
import {
  type CardFacts,
  type CardScore,
  checkReplaceable,
  configNotices,
  FileCheckpoint,
  formatScore,
  isAdapterFile,
  isOnnxPool,
  type LoraAdapter,
  type Mixture,
  modelFolders,
  ONNX_SOUP_FILE,
  openLoraAdapter,
  type Pool,
  type Problem,
  RadinError,
  SOUP_FILE,
  type SplitScorer,
  type WrittenFolder,
  type WrittenSoup,
  writeAdapterFolder,
  writeModelFolder,
  writeSoup,
} from '@radin/core';

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

/** A soup as it was written. */
export interface SoupFiles {
  /** What the results say of it. */
  readonly entries: WrittenSoup;
  readonly paths: readonly string[];
  /** Folders among them with a model card. */
  readonly cards: readonly string[];
  readonly notices: readonly string[];
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
  const adapter = adapterFolder ? [join(out, adapterFolder)] : [];
  const cards = [...(folders === undefined ? [] : [join(out, SOUP_FOLDER)]), ...adapter];
  return { entries, paths: [path, ...adapter], cards, notices };
}

/** Writes the soup of adapters, named by the files of their weights, as an adapter. */
export async function writeAdapters(
  folder: string,
  paths: readonly string[],
  mixture: Mixture,
  facts: CardFacts,
  options: SoupOptions & { readonly base?: string },
): Promise<WrittenFolder> {
  const adapters: LoraAdapter[] = [];
  try {
    for (const path of paths) adapters.push(await openLoraAdapter(path));
    return await writeAdapterFolder(folder, adapters, mixture, facts, options);
  } finally {
    await Promise.all(adapters.map((adapter) => adapter.close()));
  }
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
