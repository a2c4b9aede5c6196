import { RadinError } from '../errors/index.js';
import { formatShape } from '../formats/index.js';
import type { Task } from '../metric/index.js';
import { Inputs } from './inputs.js';
import type { ArrayFiles } from './joined-array.js';
import type { Labels } from './labels.js';
import { openInputs } from './open-inputs.js';
import { readGroups, readTaskLabels, samplesOf } from './task-labels.js';

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
 * Reads the labels of one split and opens its inputs; where none are named they have shape [M, 0].
 * @throws RadinError where the files are unreadable, empty, or differ in length. Cost: memory for the labels; inputs in archives are read once.
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
  return { name, inputs: tokens ? inputs.withPositions(tokens.positions) : inputs, labels, samples: labelled };
}

/**
 * Reads inputs without labels. @param check is shown the number of samples before any data is read
 * @throws RadinError where the files are unreadable or empty; what `check` throws. Cost: inputs in archives are read once.
 */
export function readInputs(
  files: ArrayFiles,
  check: (path: string, samples: number) => void = () => {},
): Promise<Inputs> {
  return openInputs(files, ({ path, shape }) => {
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
  const inputs = new Inputs({ path: labels.path, dtype: 'U8', shape: [samples, 0], parts: [] });
  return { name, inputs, labels, samples };
}
