import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { formatBytes, RadinError } from '@radin/core';

/** Bytes that a user may still write in the folder, or where it will be; undefined where the system does not tell. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const path = resolve(folder);
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path) return freeBytes(dirname(path));
    return undefined;
  }
}

/** @param what goes there, for the error @throws RadinError where there is no room for so many bytes */
export async function checkSpace(folder: string, bytes: number, what: string): Promise<void> {
  const free = await freeBytes(folder);
  if (free === undefined || free >= bytes) return;
  throw new RadinError(
    'FILE',
    `Expected ${formatBytes(bytes)} free for ${what} in ${folder} but found ${formatBytes(free)}`,
  );
}
