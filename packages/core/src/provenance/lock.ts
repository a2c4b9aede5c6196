import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type ArrayFiles, type InputFiles, namedArrays, type SplitFiles } from '../data/index.js';
import { arrayPlace, digestFile, modelFiles, type WrittenFile, writeTextAtomically } from '../formats/index.js';
import type { SoupRecord } from '../mixture/index.js';
import type { PoolFiles } from '../problem/index.js';

/** Where a file is and how long it was. */
interface PlacedFile {
  readonly path: string;
  readonly bytes: number;
}

/** A file as it was. */
export interface LockedFile extends WrittenFile, PlacedFile {}

/** What, besides the ingredients, a soup is averaged and evaluated with. */
export interface SoupSources
  extends Partial<
    Pick<
      PoolFiles,
      | 'graph'
      | 'architecture'
      | 'base'
      | 'stateDict'
      | 'output'
      | 'rename'
      | 'task'
      | 'batchNormInputs'
      | 'validation'
      | 'test'
    >
  > {
  /** Samples per run, where they were asked for. */
  readonly batch?: number;
}

/** `radin.lock.json`: a soup's record and where it and all that it was made of are. Paths are relative to its folder, with `/`. */
export interface Lock {
  readonly format: 1;
  /** As the soup's own metadata have it. */
  readonly record: SoupRecord;
  /** What to open: the soup's file, the index of its shards, or the weights of the adapter that it is. */
  readonly soup: string;
  /** The weights of the same soup as an adapter, where it is one besides. */
  readonly adapter?: string;
  /** All files of the soup. */
  readonly files: readonly LockedFile[];
  /** What was written of the run beside the soup. */
  readonly results?: readonly LockedFile[];
  /** Each ingredient's files: what to open comes first. Their contents are those of the hashes in the record. */
  readonly ingredients: readonly { readonly id: string; readonly files: readonly PlacedFile[] }[];
  /** The graph's file and those of the base model, where there are any. */
  readonly others: readonly LockedFile[];
  readonly sources: SoupSources;
}

/** What a lock is to say of a soup that is written. */
export interface LockContent {
  readonly record: SoupRecord;
  /** Names in `folder`. */
  readonly soup: string;
  readonly adapter?: string;
  readonly files: readonly string[];
  /** Of these, what is known since they were written; the others are read again. */
  readonly written?: ReadonlyMap<string, WrittenFile>;
  readonly results?: readonly string[];
  /** The ingredients' models, in the order of the record. */
  readonly ingredients: readonly string[];
  readonly sources: SoupSources;
}

/**
 * Writes the lock of a soup. The same text for the same content in the same places.
 * @param folder where the soup's files are @param place the folder in which soup and lock will be
 * Cost: one read of the graph, the base model and those files of the soup whose hash is not known. @throws RadinError `FILE`; the signal's reason once it is aborted
 */
export async function writeLock(
  path: string,
  content: LockContent,
  { folder, place, signal }: { readonly folder: string; readonly place: string; readonly signal?: AbortSignal },
): Promise<void> {
  const options = signal ? { signal } : {};
  const { record, soup, adapter, sources, written } = content;
  const root = await realFolder(place);
  const inFolder = async (names: readonly string[]) => {
    const files: LockedFile[] = [];
    for (const name of names) {
      const { bytes, sha256 } = written?.get(name) ?? (await digestFile(join(folder, name), options));
      files.push({ path: slashed(name), bytes, sha256 });
    }
    return files;
  };
  const ingredients: Lock['ingredients'][number][] = [];
  for (const [at, model] of content.ingredients.entries()) {
    ingredients.push({ id: record.models[at] as string, files: await placedModel(model, root) });
  }
  const { graph, base } = sources;
  const lock: Lock = {
    format: 1,
    record,
    soup: slashed(soup),
    ...(adapter !== undefined && { adapter: slashed(adapter) }),
    files: await inFolder(content.files),
    ...(content.results && { results: await inFolder(content.results) }),
    ingredients,
    others: [
      ...(graph === undefined ? [] : [await lockedFile(graph, root, options)]),
      ...(base === undefined ? [] : await lockedModel(base, root, options)),
    ],
    sources: await withPaths(sources, (source) => relativeTo(root, source)),
  };
  await writeTextAtomically(path, `${JSON.stringify(lock, null, 2)}\n`, options);
}

async function placedModel(model: string, root: string): Promise<PlacedFile[]> {
  const files: PlacedFile[] = [];
  for (const path of await modelFiles(model)) {
    files.push({ path: await relativeTo(root, path), bytes: (await stat(path)).size });
  }
  return files;
}

async function lockedModel(model: string, root: string, options: { signal?: AbortSignal }): Promise<LockedFile[]> {
  const files: LockedFile[] = [];
  for (const path of await modelFiles(model)) files.push(await lockedFile(path, root, options));
  return files;
}

async function lockedFile(path: string, root: string, options: { signal?: AbortSignal }): Promise<LockedFile> {
  return { path: await relativeTo(root, path), ...(await digestFile(path, options)) };
}

/** Through links to folders, which other paths may lead to, and not through those to files, whose names count. */
async function relativeTo(root: string, source: string): Promise<string> {
  const { path, name } = arrayPlace(source);
  const found = relative(root, join(await realpath(dirname(path)), basename(path)));
  return `${slashed(found)}${name === undefined ? '' : `:${name}`}`;
}

/** Also of a folder that is not there yet, in one that is. */
function realFolder(folder: string): Promise<string> {
  return realpath(folder).catch(async () => join(await realpath(dirname(resolve(folder))), basename(folder)));
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

/** The same sources with other paths. */
export async function withPaths(
  sources: SoupSources,
  map: (source: string) => string | Promise<string>,
): Promise<SoupSources> {
  const array = async (files: ArrayFiles): Promise<ArrayFiles> =>
    typeof files === 'string' ? map(files) : Promise.all(files.map(map));
  const inputs = async (files: InputFiles): Promise<InputFiles> => {
    const named = namedArrays(files);
    if (named === undefined) return array(files as ArrayFiles);
    const entries = Object.entries(named).map(async ([name, one]) => [name, await array(one)] as const);
    return Object.fromEntries(await Promise.all(entries));
  };
  const split = async ({ inputs: files, labels, groups }: SplitFiles): Promise<SplitFiles> => ({
    ...(files !== undefined && { inputs: await inputs(files) }),
    labels: await array(labels),
    ...(groups !== undefined && { groups: await array(groups) }),
  });
  const { graph, architecture, base, batchNormInputs, validation, test, ...others } = sources;
  return {
    ...others,
    ...(graph !== undefined && { graph: await map(graph) }),
    ...(architecture !== undefined && { architecture: await Promise.all(architecture.map(map)) }),
    ...(base !== undefined && { base: await map(base) }),
    ...(batchNormInputs !== undefined && { batchNormInputs: await inputs(batchNormInputs) }),
    ...(validation !== undefined && { validation: await split(validation) }),
    ...(test !== undefined && { test: await split(test) }),
  };
}
