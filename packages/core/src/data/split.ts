import { RadinError } from '../errors/index.js';
import { type Dtype, formatShape } from '../formats/index.js';
import type { Task } from '../metric/index.js';
import { type ArrayFiles, readJoined } from './joined-array.js';
import type { Labels } from './labels.js';
import { readGroups, readTaskLabels, samplesOf } from './task-labels.js';

/** Input samples, shape [M, …], row-major little-endian. Shared memory: every evaluation thread reads the same copy. */
export interface Inputs {
  readonly path: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: SharedArrayBuffer;
  /** T, where the model is to give logits for each of T tokens of a sample. */
  readonly positions?: number;
}

/** Held-out data: M samples with what their predictions are scored against. */
export interface Split {
  /** `holdout`: part of the validation data that no choice sees. */
  readonly name: 'validation' | 'test' | 'holdout';
  readonly inputs: Inputs;
  readonly labels: Labels;
  /** M. */
  readonly samples: number;
  /** Where these are not all samples of the files: how many those have, and which of them these are, in order. */
  readonly part?: { readonly of: number; readonly samples: Uint32Array };
}

/** Where the data of a split are. */
export interface SplitFiles {
  /** Left out where only a program evaluates, which knows its data. */
  readonly inputs?: ArrayFiles;
  readonly labels: ArrayFiles;
  /** The group of each sample, for the accuracy of the worst. */
  readonly groups?: ArrayFiles;
}

/**
 * Reads one split; where no inputs are named they have shape [M, 0]. @throws RadinError where the files are unreadable, empty, or differ in length. Cost: memory for
 * the inputs.
 */
export async function readSplit(name: Split['name'], files: SplitFiles, task?: Task): Promise<Split> {
  const read = await readTaskLabels(files.labels, task);
  const labels = files.groups === undefined ? read : { ...read, groups: await readGroups(files.groups, read) };
  const labelled = samplesOf(labels);
  if (files.inputs === undefined) return withoutInputs(name, labels);
  const inputs = await readInputs(files.inputs, (path, samples) => {
    if (labelled !== samples) {
      throw new RadinError(
        'DATA',
        `Expected one label per sample but found ${labelled} labels in ${labels.path} for ${samples} samples in ${path}`,
      );
    }
  });
  const { tokens } = labels;
  return { name, inputs: { ...inputs, ...(tokens && { positions: tokens.positions }) }, labels, samples: labelled };
}

/**
 * Reads inputs without labels. @param check is shown the number of samples before any data is read
 * @throws RadinError where the files are unreadable or empty; what `check` throws. Cost: memory for the inputs.
 */
export function readInputs(
  files: ArrayFiles,
  check: (path: string, samples: number) => void = () => {},
): Promise<Inputs> {
  return readJoined(files, ({ path, shape }) => {
    const samples = shape[0];
    if (samples === undefined || samples === 0) {
      throw new RadinError(
        'DATA',
        `Expected inputs of shape [samples, …] with at least one sample but found ${formatShape(shape)} in ${path}`,
      );
    }
    check(path, samples);
  });
}

function withoutInputs(name: Split['name'], labels: Labels): Split {
  const samples = labels.values.length;
  if (samples === 0) throw new RadinError('DATA', `Expected at least one label but found none in ${labels.path}`);
  const inputs: Inputs = { path: labels.path, dtype: 'U8', shape: [samples, 0], bytes: new SharedArrayBuffer(0) };
  return { name, inputs, labels, samples };
}
