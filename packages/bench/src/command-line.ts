import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The command line is not as documented. The message is one line. */
export class UsageError extends Error {}

/** Node's errors of option parsing as ours: their first sentence says what is wrong, the others how options work. */
export function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw new UsageError(message.replace(/[.\n].*$/s, ''));
  }
}

/** @throws UsageError */
export function integer(text: string, least: number, most: number, option: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`Expected an integer from ${least} to ${most} for ${option} but found ${JSON.stringify(text)}`);
}

/**
 * A file that is written at the end of a run, which may take hours: whether its folder is there is looked up at once.
 * @throws UsageError
 */
export function fileToWrite<T extends string | undefined>(path: T, option: string): T {
  if (path === undefined) return path;
  const isFolder = (name: string) => existsSync(name) && statSync(name).isDirectory();
  if (isFolder(path) || !isFolder(dirname(path))) {
    throw new UsageError(`Expected a file in a folder that is there for ${option} but found ${path}`);
  }
  return path;
}
