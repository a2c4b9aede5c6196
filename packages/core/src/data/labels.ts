import { RadinError } from '../errors/index.js';
import { type Dtype, formatShape } from '../formats/index.js';
import { type ArrayFiles, type JoinedArray, readJoined } from './joined-array.js';

/** Class indices, shape [M], each ≥ 0. */
export interface Labels {
  readonly path: string;
  readonly values: Int32Array;
  /** C, where the labels state it: those that were one-hot. */
  readonly classes?: number;
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

/** @throws RadinError naming the first label that is not below `classes` (C), or where one-hot labels have another C. */
export function checkLabels(labels: Labels, classes: number): void {
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

function readIndices({ path, dtype, bytes, shape }: JoinedArray): Int32Array {
  const elements = dtype === 'BOOL' ? undefined : ELEMENTS[dtype];
  if (elements === undefined || elements.float) {
    throw new RadinError('DATA', `Expected integer class labels but found dtype ${dtype} in ${path}`);
  }
  const found = elements.view(bytes);
  const values = new Int32Array(shape[0] as number);
  for (let row = 0; row < values.length; row++) {
    const label = found[row] as number | bigint;
    if (label < 0 || label > 0x7fffffff) {
      throw new RadinError('DATA', `Expected a class index ≥ 0 but found ${label} in ${path}, row ${row}`);
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

interface Elements {
  readonly view: (bytes: ArrayBufferLike) => ArrayLike<number | bigint>;
  /** How a 1 is stored. */
  readonly one: number | bigint;
  readonly float: boolean;
}

const ELEMENTS: Partial<Record<Dtype, Elements>> = {
  BOOL: { view: (bytes) => new Uint8Array(bytes), one: 1, float: false },
  U8: { view: (bytes) => new Uint8Array(bytes), one: 1, float: false },
  I8: { view: (bytes) => new Int8Array(bytes), one: 1, float: false },
  U16: { view: (bytes) => new Uint16Array(bytes), one: 1, float: false },
  I16: { view: (bytes) => new Int16Array(bytes), one: 1, float: false },
  U32: { view: (bytes) => new Uint32Array(bytes), one: 1, float: false },
  I32: { view: (bytes) => new Int32Array(bytes), one: 1, float: false },
  U64: { view: (bytes) => new BigUint64Array(bytes), one: 1n, float: false },
  I64: { view: (bytes) => new BigInt64Array(bytes), one: 1n, float: false },
  F16: { view: (bytes) => new Uint16Array(bytes), one: 0x3c00, float: true },
  F32: { view: (bytes) => new Float32Array(bytes), one: 1, float: true },
  F64: { view: (bytes) => new Float64Array(bytes), one: 1, float: true },
};
