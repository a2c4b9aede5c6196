import { resolve } from 'node:path';
import { quote, RadinError } from '../errors/index.js';
import { isAt } from '../formats/index.js';
import { type Checkpoint, FileCheckpoint, modelId } from '../pool/index.js';
import { type Difference, firstDifference } from './difference.js';
import type { FoundLock } from './find-lock.js';
import type { LockedFile, SoupSources } from './lock.js';
import { isAdapterAlone, type NamedSoup } from './named-soup.js';
import {
  type OpenIngredients,
  openIngredients,
  type RebuildOptions,
  withRebuilt,
  withRebuiltAdapter,
} from './rebuild.js';
import { otherFile, otherIngredient, otherRecord } from './recorded.js';

/** What was found when a soup was compared with what is recorded of it. */
export interface Verification {
  /** The file that was compared. */
  readonly soup: string;
  readonly lock?: string;
  /** Whether all that was compared is the same. */
  readonly verified: boolean;
  /** Ingredients whose contents are the recorded ones. */
  readonly ingredients: number;
  /** Tensors that are, to the bit, the average of the ingredients. */
  readonly tensors: number;
  /** Files whose hashes are those of the lock. */
  readonly files: number;
  /** A line for each thing that was found as recorded. */
  readonly checks: readonly string[];
  readonly differing?: Difference;
}

export interface VerifyOptions extends RebuildOptions {
  /** The ingredients' models in any order, by their ids, in the place of what the lock says. */
  readonly models?: readonly string[];
  /** In front of the lock's. */
  readonly sources?: SoupSources;
}

/**
 * Makes a soup again and compares: the record in its metadata with the lock's, the contents of its ingredients with the recorded hashes,
 * the bits of every tensor with those of the average, and the files with the lock's hashes. It stops at the first thing that differs.
 * Cost: two reads of the ingredients, two of the soup.
 * @throws RadinError where something is missing or cannot be read; the signal's reason once it is aborted
 */
export async function verifySoup(named: NamedSoup, options: VerifyOptions): Promise<Verification> {
  const { soup, found } = named;
  const sources = { ...named.sources, ...options.sources };
  const models = await modelsOf(named, options.models);
  const counted = { ingredients: 0, tensors: 0, files: 0 };
  const checks: string[] = [];
  const result = (differing?: Difference): Verification => ({
    soup,
    ...(found && { lock: found.path }),
    verified: differing === undefined,
    ...counted,
    checks,
    ...(differing && { differing }),
  });

  const record = found && (await otherRecord(named, found));
  if (record !== undefined) return result(record);
  checks.push(
    found
      ? `the record in the soup's metadata is that of ${found.path}`
      : `no lock: the record is that in the soup's metadata`,
  );

  const file = await FileCheckpoint.open('soup', soup);
  let opened: OpenIngredients | undefined;
  try {
    opened = await openIngredients(models, sources, file);
    const ingredient = await otherIngredient(named.record, opened.checkpoints, models, options);
    if (ingredient !== undefined) return result(ingredient);
    counted.ingredients = models.length;
    checks.push(
      named.record.sha256 === undefined
        ? `${models.length} ingredients, of which no hashes are recorded`
        : `${models.length} ingredients have the recorded contents`,
    );
    const compare = (theirs: Checkpoint, path: string) => async (ours: Checkpoint) => {
      const differing = await firstDifference(theirs, ours, path, options);
      if (differing === undefined) counted.tensors += ours.tensors.length;
      return differing;
    };
    const tensor = isAdapterAlone({ soup, sources })
      ? await withRebuiltAdapter(named.record, models, sources, compare(file, soup))
      : await withRebuilt(named.record, opened, models, sources, options, compare(file, soup));
    if (tensor !== undefined) return result(tensor);
    const adapter = await otherAdapter(named, models, sources, compare);
    if (adapter !== undefined) return result(adapter);
    checks.push(`${counted.tensors} tensors are the average of the ingredients with the recorded weights, bit for bit`);
  } finally {
    await opened?.close();
    await file.close();
  }
  if (found === undefined) return result();
  const files = await lockedFiles(found);
  const changed = await otherFile(files, found.folder, options);
  if (changed !== undefined) return result(changed);
  counted.files = files.length;
  checks.push(`${counted.files === 1 ? '1 file has' : `${counted.files} files have`} the recorded sha256`);
  return result();
}

/** The ingredients' models in the order of the record. @throws RadinError naming the first that is not there, or that is there twice */
async function modelsOf({ record, models, found }: NamedSoup, given: readonly string[] | undefined): Promise<string[]> {
  const byId = given && modelsById(given);
  const paths: string[] = [];
  for (const [at, id] of record.models.entries()) {
    const path = byId === undefined ? models?.[at] : byId.get(id);
    const where = byId === undefined ? (found?.path ?? 'without a lock') : 'among the models named';
    if (path === undefined || !(await isAt(path))) {
      throw new RadinError(
        'FILE',
        `Expected the ingredient ${quote(id)}${path === undefined ? '' : ` at ${path}`} but found none ${byId === undefined && found ? `(${where})` : where}: --models or --pool says where it is`,
      );
    }
    paths.push(path);
  }
  return paths;
}

/** @throws RadinError where two models have one id: either could be the ingredient */
function modelsById(paths: readonly string[]): Map<string, string> {
  const byId = new Map<string, string>();
  for (const path of paths) {
    const id = modelId(path);
    const other = byId.get(id);
    if (other !== undefined) {
      throw new RadinError('CONFIG', `Expected one model called ${quote(id)} but found two: ${other} and ${path}`);
    }
    byId.set(id, path);
  }
  return byId;
}

/** The soup's files, and those of the run that are still beside it. */
async function lockedFiles({ lock: { files, results = [] }, folder }: FoundLock): Promise<LockedFile[]> {
  const there: LockedFile[] = [];
  for (const file of results) if (await isAt(resolve(folder, file.path))) there.push(file);
  return [...files, ...there];
}

/** Where the soup is an adapter besides. */
async function otherAdapter(
  { record, adapter }: NamedSoup,
  models: readonly string[],
  sources: SoupSources,
  compare: (theirs: Checkpoint, path: string) => (ours: Checkpoint) => Promise<Difference | undefined>,
): Promise<Difference | undefined> {
  if (adapter === undefined) return undefined;
  const file = await FileCheckpoint.open('adapter', adapter);
  try {
    return await withRebuiltAdapter(record, models, sources, compare(file, adapter));
  } finally {
    await file.close();
  }
}
