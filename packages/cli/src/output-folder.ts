import { access, constants, lstat, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  type CardFacts,
  type CardScore,
  type Mixture,
  makeFolder,
  type Problem,
  RadinError,
  rewriteScores,
  type WrittenSoup,
  writeTextAtomically,
} from '@radin/core';
import type { ShardOptions } from './options.js';
import { type SoupFiles, writeSoupFiles } from './soup-output.js';

/**
 * Whether results can be written to a folder: better before hours of evaluation than after.
 * @param models the pool's model files: a soup among them would join the pool in the next run
 * @throws RadinError naming what is in the way
 */
export async function checkOutputFolder(folder: string, models: readonly string[]): Promise<void> {
  const path = resolve(folder);
  if (models.some((model) => dirname(resolve(model)) === path)) {
    throw new RadinError('CONFIG', `Expected --out to be another folder than that of the models but found ${folder}`);
  }
  await checkCreatable(path, folder);
}

async function checkCreatable(path: string, folder: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // A folder that does not exist yet is as writable as the one that it will be in.
    if (error.code === 'ENOENT' && dirname(path) !== path) return undefined;
    throw unwritable(folder, error);
  });
  if (found === undefined) {
    const isLink = await lstat(path).then(
      () => true,
      () => false,
    );
    if (!isLink) return checkCreatable(dirname(path), folder);
    throw new RadinError('FILE', `Expected a folder to write to but found a link to nothing: ${folder}`);
  }
  if (!found.isDirectory()) throw new RadinError('FILE', `Expected a folder to write to but found a file: ${folder}`);
  await checkWritable(path);
}

/**
 * Refuses to write in place of a file that the command reads.
 * @param option that names the output, for the error
 * @throws RadinError naming the file
 */
export async function checkNoInput(output: string, inputs: readonly string[], option: string): Promise<void> {
  const target = await realpath(output).catch(() => undefined);
  if (target === undefined) return;
  for (const input of inputs) {
    if ((await realpath(input).catch(() => undefined)) === target) {
      throw new RadinError('CONFIG', `Expected ${option} to be another file than the inputs but found ${output}`);
    }
  }
}

/** @throws RadinError where a folder does not exist or cannot be written to */
export async function checkWritable(folder: string): Promise<void> {
  await access(folder, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw unwritable(folder, error);
  });
}

/** Results as they were written. */
export interface WrittenResults<Report> {
  /** The object, which names the soup where it is not in `SOUP_FILE`. */
  readonly report: Report;
  readonly soup: SoupFiles;
  /** The path of the object. */
  readonly json: string;
}

/** Writes the soup and the JSON object into the folder, which is made if need be. On disk when this returns. */
export async function writeResults<Report extends WrittenSoup>(
  folder: string,
  problem: Problem,
  mixture: Mixture,
  json: { readonly name: string; readonly value: Report },
  card: CardFacts,
  { maxShardSize, signal }: ShardOptions & { readonly signal: AbortSignal },
): Promise<WrittenResults<Report>> {
  await makeFolder(folder).catch((error: NodeJS.ErrnoException) => {
    throw unwritable(folder, error);
  });
  const options = { signal, ...(maxShardSize && { maxShardBytes: maxShardSize }) };
  const soup = await writeSoupFiles(folder, problem, mixture, card, options);
  const path = join(folder, json.name);
  const report = { ...json.value, ...soup.entries };
  await writeTextAtomically(path, jsonText(report), { signal });
  return { report, soup, json: path };
}

/** Writes the JSON object again, and the scores into model cards, where there is more to say of the same soup. */
export async function rewriteResults<Report extends WrittenSoup>(
  { soup, json }: WrittenResults<Report>,
  value: Report,
  scores: readonly CardScore[],
): Promise<WrittenResults<Report>> {
  const report = { ...value, ...soup.entries };
  for (const folder of soup.cards) await rewriteScores(folder, scores);
  await writeTextAtomically(json, jsonText(report));
  return { report, soup, json };
}

/** JSON to read: indented, with lists of numbers or of texts on one line. */
function jsonText(value: unknown): string {
  // A text never holds a line break in JSON, so these are lists and nothing else.
  const lists =
    /\[\n\s+((?:-?\d[^\s,\]]*|"(?:[^"\\\n]|\\.)*")(?:,\n\s+(?:-?\d[^\s,\]]*|"(?:[^"\\\n]|\\.)*"))*)\n\s+\]/g;
  const text = JSON.stringify(value, null, 2).replace(
    lists,
    (_, items: string) => `[${items.replace(/,\n\s+/g, ', ')}]`,
  );
  return `${text}\n`;
}

function unwritable(folder: string, error: NodeJS.ErrnoException): RadinError {
  return new RadinError('FILE', `Expected to write to the folder ${folder} but found: ${error.code ?? error.message}`, {
    cause: error,
  });
}
