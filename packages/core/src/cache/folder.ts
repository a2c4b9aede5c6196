import { join } from 'node:path';

const SUFFIX = '.entry';
const ENTRY = /^([0-9a-f]{64})\.entry$/;

/** Where entries are: in a folder of their own, since a user may name any folder for the cache. */
export function entriesFolder(folder: string): string {
  return join(folder, 'entries');
}

export function entryPath(folder: string, name: string): string {
  return join(entriesFolder(folder), name + SUFFIX);
}

/** The name of the entry that a file holds; undefined for files that are no entries. */
export function entryName(file: string): string | undefined {
  return ENTRY.exec(file)?.[1];
}
