import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, quote, RadinError } from '../errors/index.js';
import {
  ADAPTER_CONFIG,
  isAdapterFile,
  makeFolder,
  openSafetensorsModel,
  realPathAt,
  synchroniseFolder,
} from '../formats/index.js';
import { LOCK_FILE } from '../mixture/index.js';
import { COMPANIONS } from './model-folder.js';

const WEIGHTS = ['model.safetensors', 'model.safetensors.index.json', 'adapter_model.safetensors'];
const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;

/**
 * Whether a model can be written to a folder: it is not there yet, empty, or holds a soup of ours and nothing else, which the new one
 * replaces. @throws RadinError naming what is in the way
 */
export async function checkReplaceable(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[];
    throw fileError('write to the folder', folder, error);
  });
  if (names.length === 0) return;
  const foreign = names.find((name) => !isOurs(name));
  const weights = WEIGHTS.find((name) => names.includes(name));
  if (foreign === undefined && weights !== undefined && (await isSoup(join(folder, weights)))) return;
  const found = foreign === undefined ? 'another model' : quote(foreign);
  throw new RadinError(
    'FILE',
    `Expected an empty folder, or one with an earlier soup alone, but found ${found} in ${folder}`,
  );
}

function isOurs(name: string): boolean {
  const others = [...WEIGHTS, ...COMPANIONS, ADAPTER_CONFIG, 'README.md', LOCK_FILE];
  return others.includes(name) || SHARD.test(name) || isAdapterFile(name);
}

async function isSoup(path: string): Promise<boolean> {
  try {
    const file = await openSafetensorsModel(path);
    await file.close();
    return file.metadata.has('radin');
  } catch (error) {
    if (error instanceof RadinError) return false;
    throw error;
  }
}

/**
 * Fills a new folder that takes the place of `folder` once it is complete. A failure leaves everything as it was.
 * @param fill is given the path to write to @throws RadinError as `checkReplaceable`; whatever `fill` throws
 */
export async function replaceFolder<T>(folder: string, fill: (path: string) => Promise<T>): Promise<T> {
  await checkReplaceable(folder);
  const target = (await realPathAt(folder)) ?? folder;
  const temporary = (what: string) =>
    join(dirname(target), `.radin-${basename(target)}-${randomBytes(8).toString('hex')}.${what}`);
  const [filled, old] = [temporary('tmp'), temporary('old')];
  try {
    await makeFolder(filled);
    const result = await fill(filled);
    await rename(target, old).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(filled, target).catch(async (error: unknown) => {
      await rename(old, target).catch(() => {});
      throw error;
    });
    await synchroniseFolder(dirname(target));
    return result;
  } catch (error) {
    throw fileError('write to the folder', folder, error);
  } finally {
    // Neither takes the place of what there is to say.
    await Promise.all([filled, old].map((path) => rm(path, { recursive: true, force: true }).catch(() => undefined)));
  }
}
