import { RadinError } from '../errors/index.js';
import { type Dtype, formatShape } from '../formats/index.js';
import { type ArrayFiles, readJoined } from './joined-array.js';
import { type Labels, readLabels } from './labels.js';

/** Input samples, shape [M, …], row-major little-endian. Shared memory: every evaluation thread reads the same copy. */
export interface Inputs {
  readonly path: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: SharedArrayBuffer;
}

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

/** Reads one split. @throws RadinError where the files are unreadable, empty, or differ in length. Cost: memory for the inputs. */
export async function readSplit(name: Split['name'], files: SplitFiles): Promise<Split> {
  const labels = await readLabels(files.labels);
  const inputs = await readInputs(files.inputs, (path, samples) => {
    if (labels.values.length !== samples) {
      throw new RadinError(
        'DATA',
        `Expected one label per sample but found ${labels.values.length} labels in ${labels.path} for ${samples} samples in ${path}`,
      );
    }
  });
  return { name, inputs, labels, samples: labels.values.length };
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
