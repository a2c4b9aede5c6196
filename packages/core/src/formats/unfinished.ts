import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../errors/index.js';

const NAME = /^\.radin-[0-9a-f]{16}\.tmp$/;

/** Of this process, which takes away at its exit what it could not finish. */
const unfinished = new Set<string>();

/** A path in the folder that nothing has, for what takes its place when it is whole. To be given to `finished` then. */
export function unfinishedIn(folder: string): string {
  const path = join(folder, `.radin-${randomBytes(8).toString('hex')}.tmp`);
  if (unfinished.size === 0) process.once('exit', removeUnfinished);
  unfinished.add(path);
  return path;
}

/** The file or folder has its place, or was removed. */
export function finished(path: string): void {
  unfinished.delete(path);
  if (unfinished.size === 0) process.off('exit', removeUnfinished);
}

/**
 * Removes what processes that were killed have left unfinished in a folder. Only where no other process writes to it, as one with its lock knows.
 * @throws RadinError (`FILE`)
 */
export async function sweepUnfinished(folder: string): Promise<void> {
  try {
    const paths = (await readdir(folder)).filter((name) => NAME.test(name)).map((name) => join(folder, name));
    for (const path of paths) if (!unfinished.has(path)) await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw fileError('remove unfinished files from', folder, error);
  }
}

function removeUnfinished(): void {
  for (const path of unfinished) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // A thread may still write to it; a run that goes on in the folder sweeps it.
    }
  }
}
