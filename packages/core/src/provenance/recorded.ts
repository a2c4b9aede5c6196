import { resolve } from 'node:path';
import { quote } from '../errors/index.js';
import { digestFile } from '../formats/index.js';
import type { SoupRecord } from '../mixture/index.js';
import { type Checkpoint, contentSha256 } from '../pool/index.js';
import type { Difference } from './difference.js';
import type { FoundLock } from './find-lock.js';
import type { LockedFile } from './lock.js';
import { type NamedSoup, readRecord } from './named-soup.js';

/** The first key of the record that a soup's own metadata do not have as the lock has it. @throws RadinError where they have no record */
export async function otherRecord(
  { soup, adapter, record }: NamedSoup,
  found: FoundLock,
): Promise<Difference | undefined> {
  for (const path of adapter === undefined ? [soup] : [soup, adapter]) {
    const own = await readRecord(path);
    const keys = new Set([...Object.keys(record), ...Object.keys(own)]) as Set<keyof SoupRecord>;
    for (const name of keys) {
      const [expected, other] = [JSON.stringify(record[name]), JSON.stringify(own[name])];
      if (expected === other) continue;
      const short = (text: string | undefined) =>
        text === undefined ? 'none' : text.length > 100 ? `${text.slice(0, 100)}…` : text;
      const message = `Expected ${quote(name)} of the record in ${path} to be ${short(expected)}, as in ${found.path}, but found ${short(other)}`;
      return { kind: 'record', name, message };
    }
  }
  return undefined;
}

/** The first ingredient with other contents than those of the recorded hashes, where these are recorded. @param paths of the models, for the message */
export async function otherIngredient(
  { models: ids, sha256 }: SoupRecord,
  checkpoints: readonly Checkpoint[],
  paths: readonly string[],
  options: { readonly signal?: AbortSignal },
): Promise<Difference | undefined> {
  for (const [at, expected] of (sha256 ?? []).entries()) {
    const content = await contentSha256(checkpoints[at] as Checkpoint, options);
    if (content === expected) continue;
    const name = ids[at] as string;
    const message = `Expected the ingredient ${quote(name)} with contents of sha256 ${expected} but found ${content} in ${paths[at]}`;
    return { kind: 'ingredient', name, message };
  }
  return undefined;
}

/** The first of the files that has another hash than the lock says. @throws RadinError where one is not there */
export async function otherFile(
  files: readonly LockedFile[],
  folder: string,
  options: { readonly signal?: AbortSignal },
): Promise<Difference | undefined> {
  for (const { path, sha256 } of files) {
    const name = resolve(folder, path);
    const found = await digestFile(name, options);
    if (found.sha256 === sha256) continue;
    return { kind: 'file', name, message: `Expected sha256 ${sha256} but found ${found.sha256} of ${name}` };
  }
  return undefined;
}
