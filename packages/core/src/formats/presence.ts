import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { fileError } from '../errors/index.js';

/** What is at a path, links followed; undefined where nothing is. @throws RadinError (`FILE`) where the system cannot tell, which is not "nothing" */
export function statusAt(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: unknown) => nothingOr('read', path, error));
}

/** Whether something is at the path, links followed. @throws as `statusAt` */
export async function isAt(path: string): Promise<boolean> {
  return (await statusAt(path)) !== undefined;
}

/** The path without links; undefined where nothing is there. @throws as `statusAt` */
export function realPathAt(path: string): Promise<string | undefined> {
  return realpath(path).catch((error: unknown) => nothingOr('read', path, error));
}

function nothingOr(expected: string, path: string, error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw fileError(expected, path, error);
}
