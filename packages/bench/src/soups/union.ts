import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Inputs, type PoolFiles, RadinError, readLabels, readSplit, type Split } from '@radin/core';
import { UsageError } from '../command-line.js';

/** All labelled samples of a pool: those of its validation split and then those of its test split, if it has one. */
export interface Union {
  readonly inputs: Inputs;
  /** M, of both. */
  readonly samples: number;
  /** The validation split's own size; the rest is for the test. */
  readonly validationSamples: number;
  /** What a sample counts as where it is in the test, [M]. */
  readonly labels: Int32Array;
  /** What it counts as where it is in the validation, [M]: the same array unless the pool's labels are noisy. */
  readonly observed: Int32Array;
  /** Files that the labels are from, besides those of the splits. */
  readonly labelFiles: readonly string[];
}

/**
 * Reads both splits. A pool with noisy labels has two further files, `observed_labels.npy` and `true_labels.npy`, each of all
 * samples: without them, a random split would move noise from the validation to the test.
 * @throws UsageError where the splits or these files do not fit together
 */
export async function readUnion(folder: string, files: PoolFiles): Promise<Union> {
  const { inputs, samples, validationSamples, given } = await readGiven(files);
  const paths = ['observed_labels.npy', 'true_labels.npy'].map((name) => join(folder, name));
  const found = paths.filter((path) => existsSync(path));
  if (found.length === 1) throw new UsageError(`Expected both ${paths.join(' and ')} but found one of them`);
  const [observed = given, labels = given] = await Promise.all(
    found.map(async (path) => {
      const { values } = await readLabels(path);
      if (values.length === samples) return values;
      throw new UsageError(`Expected ${samples} labels but found ${values.length} in ${path}`);
    }),
  );
  return { inputs, samples, validationSamples, labels, observed, labelFiles: found };
}

/** The pool's own splits, by the labels that they have. @throws UsageError where the splits do not fit together */
export async function readOwnUnion(files: PoolFiles): Promise<Union> {
  const { given, ...union } = await readGiven(files);
  return { ...union, labels: given, observed: given, labelFiles: [] };
}

async function readGiven(
  files: PoolFiles,
): Promise<Pick<Union, 'inputs' | 'samples' | 'validationSamples'> & { readonly given: Int32Array }> {
  const validation = await readSplit('validation', files.validation);
  const test = files.test && (await readSplit('test', files.test));
  return {
    inputs: test === undefined ? validation.inputs : joined(validation.inputs, test.inputs),
    samples: validation.samples + (test?.samples ?? 0),
    validationSamples: validation.samples,
    given: Int32Array.from([validation, test].flatMap((split: Split | undefined) => [...(split?.labels.values ?? [])])),
  };
}

function joined(a: Inputs, b: Inputs): Inputs {
  const layout = ({ all }: Inputs) =>
    all.map(({ name, dtype, shape }) => [name, dtype, ...shape.slice(1)].join()).join(';');
  if (layout(a) !== layout(b)) {
    throw new RadinError('DATA', `Expected inputs of one dtype and shape but found ${a.path} and ${b.path} to differ`);
  }
  return Inputs.joined(a, b);
}
