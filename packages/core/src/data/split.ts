import { RadinError } from '../errors/index.js';
import { formatShape } from '../formats/index.js';
import type { Inputs } from './inputs.js';
import type { ArrayFiles } from './joined-array.js';
import { type Labels, readLabels } from './labels.js';
import { openInputs } from './open-inputs.js';

/** Held-out data: M samples with one class index each. */
export interface Split {
  /** `holdout`: part of the validation data that no choice sees. */
  readonly name: 'validation' | 'test' | 'holdout';
  readonly inputs: Inputs;
  readonly labels: Labels;
  /** M. */
  readonly samples: number;
}

/** Where the data of a split are. */
export interface SplitFiles {
  readonly inputs: ArrayFiles;
  readonly labels: ArrayFiles;
}

/** Reads the labels of one split and opens its inputs. @throws RadinError where the files are unreadable, empty, or differ in length. Cost: memory for the labels; inputs in archives are read once. */
export async function readSplit(name: Split['name'], files: SplitFiles): Promise<Split> {
  const labels = await readLabels(files.labels);
  const inputs = await openInputs(files.inputs, ({ path, shape }) => {
    const samples = shape[0];
    if (samples === undefined || samples === 0) {
      throw new RadinError(
        'DATA',
        `Expected inputs of shape [samples, …] with at least one sample but found ${formatShape(shape)} in ${path}`,
      );
    }
    if (labels.values.length !== samples) {
      throw new RadinError(
        'DATA',
        `Expected one label per sample but found ${labels.values.length} labels in ${labels.path} for ${samples} samples in ${path}`,
      );
    }
  });
  return { name, inputs, labels, samples: labels.values.length };
}
