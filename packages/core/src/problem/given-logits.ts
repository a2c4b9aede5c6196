import { checkLabels, type Split } from '../data/index.js';
import { quote, RadinError } from '../errors/index.js';
import {
  type LogitsStore,
  logitsOf,
  oneShape,
  openLogits,
  type PoolLogits,
  poolLogits,
  type StoredLogits,
  scoredClasses,
  scoredLogits,
  storedInMemory,
} from '../logits/index.js';
import { modelId } from '../pool/index.js';
import type { PoolFiles } from './problem-files.js';

/** The files of the models' logits of each split that has them, in the order of the pool. */
export type GivenLogits = NonNullable<PoolFiles['logits']>;

/** Assigns files of logits to models by their names alone. @throws RadinError where a model has no file or two */
export function givenLogits({ logits = {} }: PoolFiles, ids: readonly string[]): GivenLogits {
  const { validation, test } = logits;
  return {
    ...(validation && { validation: inOrderOf(ids, validation) }),
    ...(test && { test: inOrderOf(ids, test) }),
  };
}

/**
 * The reader of the models' logits on a split that were computed elsewhere; undefined where they were not. Reads headers only before it
 * is asked for the logits. @throws RadinError where a file does not fit the labels or the others
 */
export async function openGivenLogits(
  files: GivenLogits,
  ids: readonly string[],
  split: Split,
): Promise<((store?: LogitsStore) => Promise<PoolLogits>) | undefined> {
  const paths = files[split.name === 'test' ? 'test' : 'validation'];
  if (paths === undefined) return undefined;
  const shapes = [];
  for (const path of paths) shapes.push(await checked(path, split));
  oneShape(ids, shapes);
  return (store) => readGiven(paths, ids, split, store);
}

/** What the header says of the rows' classes and of the samples. @throws RadinError where they are not those of the labels */
async function checked(path: string, split: Split): Promise<Pick<StoredLogits, 'samples' | 'classes'>> {
  const file = await openLogits(path, split.labels);
  await file.close();
  checkSamples(file.logits.samples, path, split);
  const classes = scoredClasses(file.logits, split.labels);
  checkLabels(split.labels, classes);
  return { samples: file.logits.samples, classes };
}

/** The file of each model, by its name. */
function inOrderOf(ids: readonly string[], paths: readonly string[]): string[] {
  const byId = new Map<string, string>();
  for (const path of paths) {
    const id = modelId(path);
    const other = byId.get(id);
    if (other !== undefined) {
      throw new RadinError('CONFIG', `Expected one file of logits for each model but found ${other} and ${path}`);
    }
    byId.set(id, path);
  }
  return ids.map((id) => {
    const path = byId.get(id);
    if (path !== undefined) return path;
    throw new RadinError(
      'CONFIG',
      `Expected logits of every model, in a file of its name, but found none of ${quote(id)} among ${paths.length} files such as ${paths[0]}`,
    );
  });
}

async function readGiven(
  paths: readonly string[],
  ids: readonly string[],
  split: Split,
  store: LogitsStore | undefined,
): Promise<PoolLogits> {
  const logits = [];
  for (const [index, path] of paths.entries()) {
    const file = await openLogits(path, split.labels);
    try {
      // It may be another file by now.
      checkSamples(file.logits.samples, path, split);
      const whole = await file.read();
      const chosen = split.part === undefined ? whole : logitsOf(whole, split.part.samples);
      const rows = scoredLogits(chosen, split.labels);
      checkLabels(split.labels, rows.classes);
      logits.push(store === undefined ? storedInMemory(rows) : await store.keep(index, rows));
    } finally {
      await file.close();
    }
  }
  const { values, targets, groups } = split.labels;
  return poolLogits(ids, logits, values, { ...(targets && { targets }), ...(groups && { groups }) });
}

function checkSamples(found: number, path: string, { labels, part, samples }: Split): void {
  const expected = part?.of ?? samples;
  if (found === expected) return;
  throw new RadinError(
    'DATA',
    `Expected logits of ${expected} samples, a row for each label in ${labels.path}, but found ${found} in ${path}`,
  );
}
