import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { type InputFiles, isHubReference, modelFile, modelFileIn, quote, RadinError } from '@radin/core';
import { glob, isDynamicPattern } from 'tinyglobby';
import { type DownloadOptions, downloadModel } from './download-model.js';

/** `file.npz:name` or `file.safetensors:name`, also as a pattern. */
const NAMED = /^(.*\.(?:npz|safetensors))(:.+)$/is;

/** The library loops for ever over more of them in a row; two stand for one in a name. */
const MANY_BACKSLASHES = /\\{4}/;

/** The files that patterns match, those of one pattern by name. A path that exists is taken as it is, whatever its characters. */
export async function expand(patterns: readonly string[], folder: string, source: string): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    const found = literal(pattern, folder) ?? (await matches(pattern, folder, source, true));
    if (found.length === 0) throw noMatch('files', pattern, folder, source);
    files.push(...found);
  }
  return files;
}

/**
 * The model files that patterns match: files, the models in folders, and those of `hf://` references, which are downloaded. Of a pattern that matches files, folders without a model are
 * left out. @throws RadinError where a pattern matches nothing, or a folder has no model or two
 */
export async function expandModels(
  patterns: readonly string[],
  folder: string,
  source: string,
  options: DownloadOptions = {},
): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    if (isHubReference(pattern)) {
      files.push(await modelFile(await downloadModel(pattern, options)));
      continue;
    }
    const named = literal(pattern, folder);
    if (named !== undefined) {
      files.push(...(await Promise.all(named.map((path) => (existsSync(path) ? modelFile(path) : path)))));
      continue;
    }
    const all = await matches(pattern, folder, source, false);
    // A pattern that ends in a slash asks for folders, which the library does not know.
    const found = all.filter((path) => !pattern.endsWith('/') || statSync(path).isDirectory());
    const hasFiles = found.some((path) => !statSync(path).isDirectory());
    const models: string[] = [];
    for (const path of found) {
      const file = hasFiles ? await modelFileIn(path) : await modelFile(path);
      if (file !== undefined) models.push(file);
    }
    if (models.length === 0) throw noMatch('files', pattern, folder, source);
    files.push(...models);
  }
  if (files.length === 0) throw new RadinError('CONFIG', `Expected at least one model but found none (${source})`);
  return files;
}

/** The arrays that patterns match: parts of one array, in this order. @throws RadinError where names do not tell the order */
export async function expandArrays(
  patterns: readonly string[],
  folder: string,
  source: string,
): Promise<string | readonly string[]> {
  const arrays: string[] = [];
  for (const whole of patterns) {
    const [, pattern = whole, name = ''] = NAMED.exec(whole) ?? [];
    const found = literal(pattern, folder) ?? (await matches(pattern, folder, source, true));
    if (found.length === 0) throw noMatch('arrays', pattern, folder, source);
    checkOrder(found, pattern, source);
    arrays.push(...found.map((path) => `${path}${name}`));
  }
  const [first, ...others] = arrays;
  return first !== undefined && others.length === 0 ? first : arrays;
}

/** Patterns of one array, or of one for each input of a graph by its name. */
type InputPatterns = string | readonly string[] | Readonly<Record<string, string | readonly string[]>>;

/** The arrays of all inputs. @throws as `expandArrays` */
export async function expandInputs(patterns: InputPatterns, folder: string, source: string): Promise<InputFiles> {
  if (typeof patterns === 'string' || Array.isArray(patterns)) return expandArrays([patterns].flat(), folder, source);
  const named: [string, string | readonly string[]][] = [];
  for (const [name, one] of Object.entries(patterns)) {
    named.push([name, await expandArrays([one].flat(), folder, source)]);
  }
  return Object.fromEntries(named);
}

/** A flag's values, some of which may say which input of the graph they are, `NAME=FILE`. @throws RadinError where others do not */
export function inputFlags(values: readonly string[], flag: string): InputPatterns {
  const named = values.map((value) => (existsSync(value) ? null : /^([^=/\\]+)=(.+)$/.exec(value)));
  if (named.every((match) => match === null)) return values;
  const inputs = new Map<string, string[]>();
  for (const [at, match] of named.entries()) {
    if (match === null) {
      throw new RadinError('CONFIG', `Expected NAME=FILE for every ${flag} but found ${quote(values[at] as string)}`);
    }
    const [, name, file] = match as unknown as [string, string, string];
    inputs.set(name, [...(inputs.get(name) ?? []), file]);
  }
  return Object.fromEntries(inputs);
}

/** With part-2 and part-10, the alphabet and numbers disagree, and a wrong order pairs inputs with labels of others. */
function checkOrder(paths: readonly string[], pattern: string, source: string): void {
  const byNumber = new Intl.Collator('en', { numeric: true });
  for (const [at, path] of paths.entries()) {
    const next = paths[at + 1];
    if (next === undefined || byNumber.compare(path, next) < 0) continue;
    throw new RadinError(
      'CONFIG',
      `Expected names with one order by letters and by numbers but found ${quote(path)} and ${quote(next)} for ${quote(pattern)} (${source}): list the files in their order`,
    );
  }
}

/** A path that exists, or that is no pattern. */
function literal(pattern: string, folder: string): string[] | undefined {
  const path = isAbsolute(pattern) ? pattern : join(folder, pattern);
  return existsSync(path) || !isDynamicPattern(pattern) ? [path] : undefined;
}

async function matches(pattern: string, folder: string, source: string, onlyFiles: boolean): Promise<string[]> {
  if (MANY_BACKSLASHES.test(pattern)) {
    const most = 'at most three backslashes in a row';
    throw new RadinError('CONFIG', `Expected a pattern with ${most} but found ${quote(pattern)} (${source})`);
  }
  // No file has it in its name, and the library takes it for a bug.
  if (pattern.includes('\0')) return [];
  const found = await glob(pattern, { cwd: folder, expandDirectories: false, onlyFiles });
  return found
    .map((match) => match.replace(/\/$/, ''))
    .sort()
    .map((match) => (isAbsolute(match) ? match : join(folder, match)));
}

function noMatch(what: string, pattern: string, folder: string, source: string): RadinError {
  return new RadinError(
    'CONFIG',
    `Expected ${what} that match ${quote(pattern)} but found none in ${folder} (${source})`,
  );
}
