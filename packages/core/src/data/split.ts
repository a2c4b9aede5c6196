import { RadinError } from '../errors/index.js';
import { type Dtype, formatShape, type NpyArray, readNpy } from '../formats/index.js';

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

/** Class indices, shape [M], each ≥ 0. */
export interface Labels {
  readonly path: string;
  readonly values: Int32Array;
}

/** Reads one split. @throws RadinError where the files are unreadable, empty, or differ in length. Cost: memory for the inputs. */
export async function readSplit(name: Split['name'], paths: { inputs: string; labels: string }): Promise<Split> {
  const labels = await readLabels(paths.labels);
  const array = await readNpy(paths.inputs);
  const samples = array.shape[0];
  if (samples === undefined || samples === 0) {
    throw new RadinError(
      'DATA',
      `Expected inputs of shape [samples, …] with at least one sample but found ${formatShape(array.shape)} in ${paths.inputs}`,
    );
  }
  if (labels.values.length !== samples) {
    throw new RadinError(
      'DATA',
      `Expected one label per sample but found ${labels.values.length} labels in ${paths.labels} for ${samples} samples in ${paths.inputs}`,
    );
  }
  const bytes = new SharedArrayBuffer(array.data.byteLength);
  new Uint8Array(bytes).set(array.data);
  return { name, inputs: { path: paths.inputs, dtype: array.dtype, shape: array.shape, bytes }, labels, samples };
}

/** Reads class indices from an integer `.npy` file of shape [M]. @throws RadinError naming the first row that is no class index. */
export async function readLabels(path: string): Promise<Labels> {
  const array = await readNpy(path);
  if (array.shape.length !== 1) {
    throw new RadinError('DATA', `Expected labels of shape [samples] but found ${formatShape(array.shape)} in ${path}`);
  }
  const values = new Int32Array(array.shape[0] ?? 0);
  const at = integerReader(array);
  for (let row = 0; row < values.length; row++) {
    const label = at(row);
    if (label < 0 || label > 0x7fffffff) {
      throw new RadinError('DATA', `Expected a class index ≥ 0 but found ${label} in ${path}, row ${row}`);
    }
    values[row] = Number(label);
  }
  return { path, values };
}

/** @throws RadinError naming the first label that is not below `classes` (C). */
export function checkLabels(labels: Labels, classes: number): void {
  const row = labels.values.findIndex((label) => label >= classes);
  if (row >= 0) {
    throw new RadinError(
      'DATA',
      `Expected labels below ${classes}, the number of classes, but found ${labels.values[row]} in ${labels.path}, row ${row}`,
    );
  }
}

function integerReader({ dtype, data, path }: NpyArray): (row: number) => number | bigint {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (dtype) {
    case 'U8':
      return (row) => view.getUint8(row);
    case 'I8':
      return (row) => view.getInt8(row);
    case 'U16':
      return (row) => view.getUint16(2 * row, true);
    case 'I16':
      return (row) => view.getInt16(2 * row, true);
    case 'U32':
      return (row) => view.getUint32(4 * row, true);
    case 'I32':
      return (row) => view.getInt32(4 * row, true);
    case 'U64':
      return (row) => view.getBigUint64(8 * row, true);
    case 'I64':
      return (row) => view.getBigInt64(8 * row, true);
    default:
      throw new RadinError('DATA', `Expected integer class labels but found dtype ${dtype} in ${path}`);
  }
}
