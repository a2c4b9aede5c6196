import { RadinError } from '../errors/index.js';
import { formatShape } from '../formats/index.js';
import type { Task } from '../metric/index.js';
import { Inputs } from './inputs.js';
import { type ArrayFiles, type ArrayInfo, type InputFiles, namedArrays } from './joined-array.js';
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
  readonly inputs?: InputFiles;
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
  const inputs = await readInputs(files.inputs, (path, samples) => checkLabelled(labels.path, labelled, path, samples));
  const { tokens } = labels;
  return { name, inputs: tokens ? inputs.withPositions(tokens.positions) : inputs, labels, samples: labelled };
}

/**
 * Opens inputs without labels. @param check is shown the number of samples of each array before any data is read
 * @throws RadinError where the files are unreadable, empty, or differ in length; what `check` throws. Cost: inputs in archives are read once.
 */
export async function readInputs(
  files: InputFiles,
  check: (path: string, samples: number) => void = () => {},
): Promise<Inputs> {
  const named = namedArrays(files);
  if (named === undefined) return openInputs(files as ArrayFiles, (whole) => check(whole.path, samplesIn(whole)));
  const opened = new Map<string, Inputs>();
  try {
    for (const [name, one] of Object.entries(named)) {
      const inputs = await openInputs(one, (whole) => {
        check(whole.path, samplesIn(whole));
        checkLength(whole, [...opened.values()][0]);
      });
      opened.set(name, inputs);
    }
    return Inputs.named(opened);
  } catch (error) {
    for (const inputs of opened.values()) inputs.close();
    throw error;
  }
}

/** @throws RadinError where there is not one label for each sample */
export function checkLabelled(labelPath: string, labels: number, inputPath: string, samples: number): void {
  if (labels === samples) return;
  throw new RadinError(
    'DATA',
    `Expected one label per sample but found ${labels} labels in ${labelPath} for ${samples} samples in ${inputPath}`,
  );
}

/** @throws RadinError where there is no label */
export function checkSomeLabel(path: string, labels: number): void {
  if (labels === 0) throw new RadinError('DATA', `Expected at least one label but found none in ${path}`);
}

/** M. @throws RadinError where there is none */
export function samplesIn({ path, shape }: Pick<ArrayInfo, 'path' | 'shape'>): number {
  const [samples] = shape;
  if (samples !== undefined && samples > 0) return samples;
  throw new RadinError(
    'DATA',
    `Expected inputs of shape [samples, …] with at least one sample but found ${formatShape(shape)} in ${path}`,
  );
}

/** @throws RadinError where an input has another number of samples than the first */
export function checkLength(
  one: Pick<ArrayInfo, 'path' | 'shape'>,
  first: Pick<ArrayInfo, 'path' | 'shape'> | undefined,
): void {
  if (first === undefined || one.shape[0] === first.shape[0]) return;
  throw new RadinError(
    'DATA',
    `Expected ${first.shape[0]} samples in every input, as in ${first.path}, but found ${one.shape[0]} in ${one.path}`,
  );
}

function withoutInputs(name: Split['name'], labels: Labels): Split {
  const samples = samplesOf(labels);
  checkSomeLabel(labels.path, samples);
  const inputs = new Inputs({ path: labels.path, dtype: 'U8', shape: [samples, 0], parts: [] });
  return { name, inputs, labels, samples };
}
