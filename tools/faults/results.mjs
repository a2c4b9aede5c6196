/** What a run may leave in its output folder. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LineReader } from '../../packages/core/dist/journal/lines.js';

const JOURNAL = 'out/journal.jsonl';
/** Logits for a run without a cache that goes on; nothing of its results. */
const KEPT_LOGITS = 'out/journal-logits';
const UNFINISHED = /(^|\/)\.radin-[^/]*$/;
/** Tells, where it is there, that all files of a soup are, with its results. */
const LOCK = /(^|\/|\.)(radin\.)?lock\.json$/;
/** Made of the results when they are whole. */
const REPORT = /^out\/(report\.html$|charts\/)/;

/** Files below some folders of a workplace, and whatever is unfinished there. */
export function filesIn(folder, names) {
  return names
    .filter((name) => existsSync(join(folder, name)))
    .flatMap((name) => readdirSync(join(folder, name), { recursive: true }).map((path) => `${name}/${path}`))
    .filter((path) => UNFINISHED.test(path) || statSync(join(folder, path)).isFile());
}

/** Whether a path is that of a file, or folder, which is there while others are written. */
export function isTemporary(path) {
  return UNFINISHED.test(path) || /^tmp\/|\/radin-evaluation-[^/]*$/.test(path);
}

/** The results in `out/`, by path, with their bytes as text; not the record of how a run went. */
export function resultsIn(folder) {
  return new Map(
    filesIn(folder, ['out'])
      .filter((path) => !/(^|\/)\.radin-/.test(path) && path !== JOURNAL && !path.startsWith(`${KEPT_LOGITS}/`))
      .map((path) => [path, readFileSync(join(folder, path), 'latin1')]),
  );
}

/**
 * Whether results are those of one of the states that a run goes through: where what makes them whole is there, all of it.
 * @returns what is wrong
 */
export function judgeResults(found, states) {
  if (states.some((state) => isPartOf(found, state))) return [];
  const files = [...found].map(([file, bytes]) => {
    const same = Object.entries(states).filter(([, state]) => state?.get(file) === bytes);
    return `${file}: ${same.map(([at]) => at).join() || 'none'}`;
  });
  return [`the results are of no single state; those that have each file: ${files.join(', ')}`];
}

function isPartOf(found, state) {
  if (state === undefined) return false;
  const hasLock = [...found.keys()].some((file) => LOCK.test(file));
  const needed = hasLock ? [...state.keys()].filter((file) => !REPORT.test(file)) : [];
  return [...found].every(([file, bytes]) => state.get(file) === bytes) && needed.every((file) => found.has(file));
}

/** Files that are not the same, with where they begin to differ. */
export function differing(found, expected) {
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((file) => found.get(file) !== expected.get(file))
    .map((file) => `${file} (${difference(found.get(file), expected.get(file))})`);
}

function difference(found, expected) {
  if (found === undefined) return 'missing';
  if (expected === undefined) return 'one too many';
  let at = 0;
  while (found[at] === expected[at]) at++;
  const near = (text) => JSON.stringify(text.slice(Math.max(0, at - 30), at + 30));
  return `${near(found)} and not ${near(expected)}`;
}

export function hasLock(results) {
  return [...results.keys()].some((file) => LOCK.test(file));
}

/** The records of the journal; undefined where there is none. @throws RadinError where it is damaged other than at its end */
export function journalIn(folder) {
  const path = join(folder, JOURNAL);
  if (!existsSync(path)) return undefined;
  const reader = new LineReader(path);
  const records = reader.read(readFileSync(path));
  return { records, torn: reader.tornBytes, finished: records.some(({ record }) => record === 'end') };
}

/** What is wrong with the journal after a run. @param done whether that ended with 0 @param mayRemain whether removing files may have failed */
export function judgeJournal(folder, done, mayRemain) {
  try {
    const journal = journalIn(folder);
    if (journal === undefined || !done) return [];
    return [
      ...(journal.finished ? [] : ['the journal of a finished run has no end']),
      ...(journal.torn > 0 ? [`the journal ends with ${journal.torn} bytes of half a line`] : []),
      ...(existsSync(join(folder, KEPT_LOGITS)) && !mayRemain ? ['logits of a finished run are left'] : []),
    ];
  } catch (error) {
    return [`the journal cannot be read: ${error.message}`];
  }
}
