import { RadinError } from '../errors/index.js';
import { formatShape } from '../formats/index.js';
import type { TaskName } from '../metric/index.js';
import { ELEMENTS } from './elements.js';
import { type ArrayFiles, type JoinedArray, readJoined } from './joined-array.js';

/** What the predictions for a split are scored against. */
export interface Labels {
  readonly path: string;
  /** Default: multi-class. */
  readonly task?: TaskName;
  /** Class indices, each ≥ 0, shape [M], or one for each token that counts; none where the task has no classes. */
  readonly values: Int32Array;
  /** C, where the labels state it: those that were one-hot, binary ones, and the width of `targets`. */
  readonly classes?: number;
  /** Of multi-label classification 0 or 1, of a regression finite numbers, shape [M, C]. */
  readonly targets?: Float64Array;
  /** Of token classification: T, and of each token that counts its place in [M, T], ascending. */
  readonly tokens?: { readonly positions: number; readonly places: Int32Array };
  /** The group of each sample, or token, where groups are given. */
  readonly groups?: Int32Array;
  /** M, where it is not the number of values. */
  readonly samples?: number;
}

/**
 * Reads labels: class indices, integers of shape [M], or one-hot rows of any dtype, shape [M, C] with C ≥ 2.
 * @throws RadinError naming the first row that is no class index, or has not exactly one 1 and zeros else
 */
export async function readLabels(files: ArrayFiles): Promise<Labels> {
  const array = await readJoined(files);
  const { path, shape } = array;
  if (shape.length === 2 && (shape[1] as number) > 1) return { path, ...readOneHot(array) };
  if (shape.length !== 1) {
    throw new RadinError(
      'DATA',
      `Expected labels of shape [samples], or one-hot [samples, classes], but found ${formatShape(shape)} in ${path}`,
    );
  }
  return { path, values: readIndices(array) };
}

/** @throws RadinError naming the first label that is not below `classes` (C), or where the labels state another C. */
export function checkLabels(labels: Labels, classes: number): void {
  if (labels.targets !== undefined && labels.classes !== classes) {
    const what = labels.task === 'regression' ? 'outputs' : 'labels';
    throw new RadinError(
      'DATA',
      `Expected ${classes} ${what} for each sample, as many as the model gives, but found ${labels.classes} in ${labels.path}`,
    );
  }
  if (labels.classes !== undefined && labels.classes !== classes) {
    throw new RadinError(
      'DATA',
      `Expected one-hot labels of ${classes} classes but found ${labels.classes} in ${labels.path}`,
    );
  }
  const row = labels.values.findIndex((label) => label >= classes);
  if (row >= 0) {
    throw new RadinError(
      'DATA',
      `Expected labels below ${classes}, the number of classes, but found ${labels.values[row]} in ${labels.path}, row ${row}`,
    );
  }
}

/** Integers ≥ 0 of shape [M]. @param what they are, in errors */
export function readIndices({ path, dtype, bytes, shape }: JoinedArray, what = 'class'): Int32Array {
  const elements = dtype === 'BOOL' ? undefined : ELEMENTS[dtype];
  if (elements === undefined || elements.float) {
    throw new RadinError(
      'DATA',
      `Expected integer ${what === 'class' ? 'class labels' : 'groups'} but found dtype ${dtype} in ${path}`,
    );
  }
  const found = elements.view(bytes);
  const values = new Int32Array(shape[0] as number);
  for (let row = 0; row < values.length; row++) {
    const label = found[row] as number | bigint;
    if (label < 0 || label > 0x7fffffff) {
      throw new RadinError('DATA', `Expected a ${what} index ≥ 0 but found ${label} in ${path}, row ${row}`);
    }
    values[row] = Number(label);
  }
  return values;
}

function readOneHot({ path, dtype, bytes, shape }: JoinedArray): { values: Int32Array; classes: number } {
  const [samples, classes] = shape as [number, number];
  const elements = ELEMENTS[dtype];
  if (elements === undefined) throw new RadinError('DATA', `Expected one-hot labels but found ${dtype} in ${path}`);
  const { one } = elements;
  const found = elements.view(bytes);
  const values = new Int32Array(samples).fill(-1);
  for (let row = 0; row < samples; row++) {
    for (let label = 0; label < classes; label++) {
      const element = found[row * classes + label];
      if (element === one && values[row] === -1) values[row] = label;
      else if (element !== 0 && element !== 0n) throw noOneHot(path, row, 'another value');
    }
    if (values[row] === -1) throw noOneHot(path, row, 'zeros only');
  }
  return { values, classes };
}

function noOneHot(path: string, row: number, found: string): RadinError {
  return new RadinError('DATA', `Expected one-hot labels, one 1 and zeros, but found ${found} in ${path}, row ${row}`);
}
