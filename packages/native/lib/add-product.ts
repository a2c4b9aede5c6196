/** Products of narrow matrices added to float64 values, as low-rank adapters change weights. */

import { types } from 'node:util';
import { type AddonBinding, loadAddon, runCall } from './addon.js';
import type { RunOptions } from './backend.js';
import { checkOptions, requireFixedArray, requireInteger, wrongType, wrongValue } from './validate.js';

/** Multiplications that the reference does at a time, some milliseconds, so that other work is not held up. */
const STEP = 2 ** 22;

/** A part of `scale · (left · right)`, and what it is added to. */
export interface AddProductRequest {
  /** The elements from `first` on of a row-major [rows, columns] matrix; changed. */
  readonly values: Float64Array;
  readonly first: number;
  /** Shape [rows, rank]. */
  readonly left: Float64Array;
  /** Shape [rank, columns]. */
  readonly right: Float64Array;
  readonly rank: number;
  readonly scale: number;
}

/**
 * values[e] += scale · Σ_k left[row, k] · right[k, column], added up from 0 in the order of k, each product and sum rounded to float64:
 * the same bits with and without the addon, whatever the threads.
 * @throws TypeError or RangeError for a request that does not fit together; the signal's reason once it is aborted, with part of `values` changed
 */
export async function addProduct(request: AddProductRequest, options: RunOptions = {}): Promise<void> {
  const run = checkOptions(options);
  const checked = checkRequest(request);
  let addon: AddonBinding;
  try {
    addon = loadAddon();
  } catch {
    return referenceAddProduct(checked, run.signal);
  }
  const { values, first, left, right, rank, scale } = checked;
  await runCall((state) => addon.addProduct(values, first, left, right, rank, scale, run.threads, state), run);
}

/** The same in plain TypeScript, on this thread: the oracle of the tests, and for where the addon cannot be built. */
export async function referenceAddProduct(
  { values, first, left, right, rank, scale }: AddProductRequest,
  signal?: AbortSignal,
): Promise<void> {
  const columns = right.length / rank;
  const step = Math.max(1, Math.floor(STEP / rank));
  for (let at = 0; at < values.length; at++) {
    if (at % step === 0) {
      if (at > 0) await new Promise(setImmediate);
      signal?.throwIfAborted();
    }
    const row = Math.floor((first + at) / columns);
    const column = (first + at) % columns;
    let sum = 0;
    for (let k = 0; k < rank; k++) {
      sum += (left[row * rank + k] as number) * (right[k * columns + column] as number);
    }
    values[at] = (values[at] as number) + scale * sum;
  }
}

function checkRequest(request: AddProductRequest): AddProductRequest {
  const { values, first, left, right, rank, scale } = request;
  requireFixedArray(values, types.isFloat64Array, 'a Float64Array', 'values');
  requireFixedArray(left, types.isFloat64Array, 'a Float64Array', 'left');
  requireFixedArray(right, types.isFloat64Array, 'a Float64Array', 'right');
  requireInteger(rank, 1, Number.MAX_SAFE_INTEGER, 'rank');
  if (typeof scale !== 'number') throw wrongType('a number', 'scale', scale);
  if (left.length % rank !== 0) throw wrongValue(`a multiple of ${rank} elements`, 'left', left.length);
  if (right.length % rank !== 0) throw wrongValue(`a multiple of ${rank} elements`, 'right', right.length);
  const elements = (left.length / rank) * (right.length / rank);
  requireInteger(first, 0, elements, 'first');
  if (values.length > elements - first)
    throw wrongValue(`at most ${elements - first} elements`, 'values', values.length);
  return { values, first, left, right, rank, scale };
}
