/**
 * What both backends check before they start. Each check reads its request once and returns a snapshot of it, so that the
 * call works on what was checked. The large arrays are not copied: changing, transferring or detaching one of them before
 * the call has settled is the caller's mistake.
 *
 * A wrong type throws a TypeError, a wrong value a RangeError: `Expected X for Y but received Z`.
 */

import { availableParallelism } from 'node:os';
import { types } from 'node:util';
import { FLOAT_BYTES, type FloatDtype, type RunOptions } from './backend.js';
import { sum } from './coefficients.js';

export interface CheckedOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
}

export function checkOptions(options: RunOptions): CheckedOptions {
  const { threads = availableParallelism(), signal, onProgress } = options;
  requireInteger(threads, 1, Number.MAX_SAFE_INTEGER, 'threads');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrongType('an AbortSignal', 'signal', signal);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw wrongType('a function', 'onProgress', onProgress);
  return { threads, ...(signal && { signal }), ...(onProgress && { onProgress }) };
}

export function checkLabels(values: Int32Array, samples: number, classes: number): Int32Array {
  requireFixedArray(values, types.isInt32Array, 'an Int32Array', 'labels');
  const labels = new Int32Array(values);
  requireLength(labels, samples, 'labels');
  for (const [sample, label] of labels.entries()) {
    if (label < 0 || label >= classes) throw wrongValue(`an integer in [0, ${classes})`, `labels[${sample}]`, label);
  }
  return labels;
}

export function checkMixture(values: Float64Array, models: number): Float64Array {
  const mixture = checkMixtures(values, models);
  requireLength(mixture, models, 'mixture');
  return mixture;
}

export function checkMixtures(values: Float64Array, models: number): Float64Array {
  requireFixedArray(values, types.isFloat64Array, 'a Float64Array', 'mixtures');
  const mixtures = new Float64Array(values);
  if (mixtures.length % models !== 0) throw wrongValue(`a multiple of ${models} weights`, 'mixtures', mixtures.length);
  for (const [i, weight] of mixtures.entries()) {
    if (!(weight >= 0 && weight < Infinity))
      throw wrongValue('a finite number of at least 0', `mixtures[${i}]`, weight);
  }
  for (let row = 0; row < mixtures.length; row += models) {
    const total = sum(mixtures.subarray(row, row + models));
    if (!(total > 0 && total < Infinity)) throw wrongValue('a finite sum above 0', `mixture ${row / models}`, total);
  }
  return mixtures;
}

export function requireDtype(value: unknown, name: string): asserts value is FloatDtype {
  const known = Object.keys(FLOAT_BYTES);
  if (typeof value !== 'string' || !known.includes(value)) throw wrongType(`one of ${known.join(', ')}`, name, value);
}

export function requireObject(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null) throw wrongType('an object', name, value);
}

export function requireArray(value: unknown, name: string): void {
  if (!Array.isArray(value)) throw wrongType('an array', name, value);
}

export function requireInteger(value: unknown, minimum: number, maximum: number, name: string): void {
  if (typeof value !== 'number') throw wrongType('an integer', name, value);
  if (!Number.isSafeInteger(value) || value < minimum || value > maximum) {
    throw wrongValue(`an integer in [${minimum}, ${maximum}]`, name, value);
  }
}

export function requirePositive(value: unknown, name: string): void {
  if (typeof value !== 'number') throw wrongType('a number', name, value);
  if (!(value > 0 && value < Infinity)) throw wrongValue('a finite number above 0', name, value);
}

/** The memory of a buffer that can shrink could vanish while another thread works on it. */
export function requireFixedArray<T extends NodeJS.TypedArray>(
  value: unknown,
  isRight: (value: unknown) => value is T,
  type: string,
  name: string,
): asserts value is T {
  if (!isRight(value)) throw wrongType(type, name, value);
  if ((value.buffer as { resizable?: boolean }).resizable)
    throw wrongType('a buffer of fixed size', name, 'a resizable one');
}

function requireLength(array: NodeJS.TypedArray, length: number, name: string): void {
  if (array.length !== length) throw wrongValue(`${length} elements`, name, array.length);
}

export function wrongType(expected: string, name: string, received: unknown): TypeError {
  return new TypeError(`Expected ${expected} for ${name} but received ${describe(received)}`);
}

export function wrongValue(expected: string, name: string, received: unknown): RangeError {
  return new RangeError(`Expected ${expected} for ${name} but received ${describe(received)}`);
}

function describe(value: unknown): string {
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
