import { access, constants } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  checkReplaceable,
  fileError,
  LOCK_FILE,
  lockBeside,
  makeFolder,
  replaceable,
  type SoupRecord,
  type SoupSources,
  type WrittenModel,
  writeLock,
  writeTogether,
} from '@radin/core';
import { checkSpace } from './disk-space.js';
import { inputsAt } from './output-folder.js';
import { digestsOf, replacedBy, soupNames } from './soup-output.js';

/** Room for a lock. */
const LOCK_BYTES = 2 ** 20;

/** What the lock of an average says. */
interface AverageFacts {
  /** Whether the soup is a folder, which then has the lock in it, and no file with the lock beside it. */
  readonly isFolder: boolean;
  readonly record: SoupRecord;
  /** Called last: whether the ingredients are what was averaged. @throws RadinError */
  readonly confirm: () => Promise<void>;
  /** Files of the ingredients. */
  readonly ingredients: readonly string[];
  readonly sources: SoupSources;
}

/** Whether an average can be written to `out`. @throws RadinError */
export async function checkAverageOutput(out: string, isFolder: boolean, bytes: number): Promise<void> {
  if (isFolder) await checkReplaceable(out);
  else {
    await replaceable(out);
    await access(dirname(out), constants.W_OK).catch((error: unknown) => {
      throw fileError('write', out, error);
    });
  }
  await checkSpace(dirname(out), bytes + LOCK_BYTES, 'the soup');
}

/** A line where the soup takes the place of an ingredient, which is gone then. */
export async function replacedIngredient(out: string, ingredients: readonly string[]): Promise<string[]> {
  return (await inputsAt(out, ingredients)).map(
    (path) => `the soup takes the place of its ingredient ${path}: radin verify cannot make it again`,
  );
}

/** Lets `write` write an average and gives it a lock; both appear together. @param write is given the path to write to @returns what it returns, with the soup's place */
export async function writeWithLock<T extends WrittenModel>(
  out: string,
  { isFolder, record, confirm, ingredients, sources }: AverageFacts,
  signal: AbortSignal,
  write: (path: string) => Promise<T>,
): Promise<T> {
  // Links to files are followed, so that the staged files are on the same disk.
  const target = isFolder ? out : await replaceable(out);
  const [place, name] = [dirname(target), basename(target)];
  if (isFolder) await makeFolder(place);
  const fill = async (staging: string) => {
    const written = await write(join(staging, name));
    const root = isFolder ? join(staging, name) : staging;
    const { files, entries } = await soupNames(root);
    const soup = basename(written.path);
    const lock = isFolder ? LOCK_FILE : basename(lockBeside(name));
    const content = { record, soup, files, written: digestsOf(soup, written), ingredients, sources };
    await writeLock(join(root, lock), content, { folder: root, place: isFolder ? out : place, signal });
    await confirm();
    const path = isFolder ? join(out, soup) : soup === name ? out : join(dirname(out), soup);
    return {
      value: { ...written, path },
      entries: isFolder ? [name] : [...entries, lock],
      replaced: isFolder ? [] : await replacedBy(place, name, entries),
    };
  };
  return writeTogether(place, fill, { signal });
}
