import { access, constants, lstat, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import {
  ADAPTER_FILES,
  checkUnchanged,
  choiceRecord,
  type FileCheckpoint,
  fileError,
  isOnnx,
  JOURNAL_FILE,
  LOCK_FILE,
  type Mixture,
  makeFolder,
  ONNX_SOUP_FILE,
  type Pool,
  type PoolFiles,
  type Problem,
  RadinError,
  type RecordedChoice,
  realPathAt,
  replaceable,
  SOUP_FILE,
  type SoupSources,
  type WrittenSoup,
  writeLock,
  writeTextAtomically,
  writeTogether,
} from '@radin/core';
import type { ShardOptions } from '../options/options.js';
import { inputPaths } from '../pool/input-paths.js';
import { REPORT_FILE } from './run-report.js';
import { cardScores, prepareSoup, replacedBy, type SoupFiles, soupNames, writeSoupFiles } from './soup-output.js';

/** The soup that a command chose. */
export interface ChosenSoup {
  readonly mixture: Mixture;
  /** What made it, for a model card: the command and its method. */
  readonly made: string;
  readonly choice: RecordedChoice;
  /** Where what made it besides its ingredients is. */
  readonly sources: SoupSources;
}

/** What a run may write into its folder besides shards and folders, whose names no input of a pool has by chance. */
const WRITTEN = [
  JOURNAL_FILE,
  SOUP_FILE,
  ONNX_SOUP_FILE,
  'result.json',
  'comparison.json',
  'paper.json',
  REPORT_FILE,
  LOCK_FILE,
];

/**
 * Whether results can be written to a folder: better before hours of evaluation than after.
 * @param files of the pool: a soup among the models would join the pool in the next run, and none may be in the place of a result, as links can be
 * @throws RadinError naming what is in the way: a folder, pipe or device in the place of a result, too
 */
export async function checkOutputFolder(folder: string, files: PoolFiles): Promise<void> {
  if (folder === '') throw new RadinError('CONFIG', 'Expected the name of a folder for --out but found ""');
  const path = resolve(folder);
  const place = (await realPathAt(path)) ?? path;
  for (const model of files.models) {
    const folders = [
      dirname(resolve(model)),
      await realPathAt(dirname(model)),
      dirname((await realPathAt(model)) ?? ''),
    ];
    if (!folders.includes(place)) continue;
    throw new RadinError('CONFIG', `Expected --out to be another folder than that of the models but found ${folder}`);
  }
  await checkCreatable(path, folder);
  const inputs = inputPaths(files);
  for (const name of WRITTEN) {
    await replaceable(join(folder, name));
    await checkNoInput(join(folder, name), inputs, 'each result in --out');
  }
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
  if ((await inputsAt(output, inputs)).length === 0) return;
  throw new RadinError('CONFIG', `Expected ${option} to be another file than the inputs but found ${output}`);
}

/** Those of the inputs whose file, links followed, is at the output's path. */
export async function inputsAt(output: string, inputs: readonly string[]): Promise<string[]> {
  const target = await realpath(output).catch(() => undefined);
  if (target === undefined) return [];
  const paths = await Promise.all(inputs.map((input) => realpath(input).catch(() => undefined)));
  return inputs.filter((_, at) => paths[at] === target);
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

/**
 * Writes the soup, the JSON object and the lock into the folder, which is made if need be: all appear together, the lock last, in place of
 * an earlier soup. On disk when this returns.
 */
export async function writeResults<Report extends WrittenSoup>(
  folder: string,
  problem: Problem,
  { mixture, made, choice, sources }: ChosenSoup,
  json: { readonly name: string; readonly value: Report },
  { maxShardSize, signal }: ShardOptions & { readonly signal: AbortSignal },
): Promise<WrittenResults<Report>> {
  await makeFolder(folder).catch((error: NodeJS.ErrnoException) => {
    throw unwritable(folder, error);
  });
  const { pool, keys } = problem;
  await prepareSoup(pool, folder);
  const record = await choiceRecord(problem, mixture, choice, { signal });
  const scores = (['validation', 'test'] as const).flatMap((split) =>
    cardScores(problem.scorers.get(split), choice.scores[split]),
  );
  const card = { method: made, version: choice.version, scores };
  const options = { signal, record, ...(maxShardSize && { maxShardBytes: maxShardSize }) };
  const write = async (staging: string) => {
    const written = await writeSoupFiles(staging, problem, mixture, card, options);
    const { files, entries } = await soupNames(staging);
    const { soupFile = SOUP_FILE, adapterFolder } = written.entries;
    const report = { ...json.value, ...written.entries };
    await writeTextAtomically(join(staging, json.name), jsonText(report), { signal });
    const lock = {
      record,
      soup: soupFile,
      ...(adapterFolder !== undefined && { adapter: join(adapterFolder, ADAPTER_FILES[0] as string) }),
      files,
      written: written.digests,
      results: [json.name],
      ingredients: ingredientPaths(pool, mixture),
      sources,
    };
    await writeLock(join(staging, LOCK_FILE), lock, { folder: staging, place: folder, signal });
    // Last, so that the lock is of the files that were averaged and of the graph that was run, too; of all models, since all had a part in
    // the choice.
    await checkUnchanged(pool.checkpoints, keys.contents);
    await problem.checkGraphUnchanged();
    const paths = written.paths.map((path) => join(folder, relative(staging, path)));
    const name = isOnnx(soupFile) ? soupFile : SOUP_FILE;
    return {
      value: { report, soup: { ...written, paths }, json: join(folder, json.name) },
      entries: [...entries, json.name, LOCK_FILE],
      // The page of an earlier run tells of another soup.
      replaced: [json.name, REPORT_FILE, ...(await replacedBy(folder, name, entries))],
    };
  };
  return writeTogether(folder, write, { signal });
}

/** The files of a mixture's ingredients. */
export function ingredientPaths({ checkpoints }: Pick<Pool, 'checkpoints'>, mixture: Mixture): string[] {
  return mixture.ingredientsOf(checkpoints).map((model) => (model as FileCheckpoint).path);
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

function unwritable(folder: string, error: unknown): unknown {
  return fileError('write to the folder', folder, error);
}
