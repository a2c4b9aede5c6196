import { rm } from 'node:fs/promises';
import { fileError } from '../errors/index.js';
import type { StagedFile } from './atomic-file.js';

/**
 * Lets files that only make sense together take their places: what they replace is removed, what makes it whole first, then they are
 * put in place, what makes them whole last. A failure in between leaves neither.
 */
export async function exchangeFiles(staged: readonly StagedFile<unknown>[], old: readonly string[]): Promise<void> {
  await removeFiles(old);
  const placed: string[] = [];
  try {
    for (const file of staged) {
      await file.commit();
      placed.push(file.path);
    }
  } catch (error) {
    await removeFiles(placed).catch(() => undefined);
    throw error;
  }
}

/** Removes files, those that are not there too. @throws RadinError */
export async function removeFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await rm(path, { force: true }).catch((error: unknown) => {
      throw fileError('remove', path, error);
    });
  }
}
