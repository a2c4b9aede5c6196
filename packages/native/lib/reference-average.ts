/** Averaging as backend.ts states it, written to be read. */

import { type AverageRequest, type AverageTensor, FLOAT_BYTES, type RunOptions } from './backend.js';
import { type CheckedAverage, checkAverage } from './check-average.js';
import { FLOAT_FORMATS } from './float-formats.js';
import { NaNError } from './nan-error.js';
import { SourceReader } from './source-reader.js';
import { Turn } from './turn.js';
import { checkOptions } from './validate.js';

/** Bytes of all ingredients that are read at a time, if the memory limit allows it. */
const WINDOW_BYTES = 2 ** 22;

/** A multiple of every dtype's bytes, at which windows may end. */
const STEP_BYTES = 4096;

export async function average(request: AverageRequest, options: RunOptions = {}): Promise<void> {
  const checked = checkAverage(request);
  const turn = new Turn(checkOptions(options));
  const readers = await openUsed(checked);
  let nan: NaNError | undefined;
  for (const [t, tensor] of checked.tensors.entries()) {
    const own = readers.slice(t * checked.models, (t + 1) * checked.models);
    const found = await averageTensor(checked, tensor, t, own, turn);
    nan ??= found;
  }
  for (const reader of readers) await reader?.finish();
  if (nan !== undefined) throw nan;
}

/** Readers of tensors × ingredients; none for an ingredient that no output uses. */
async function openUsed({ tensors, weights, models }: CheckedAverage): Promise<(SourceReader | undefined)[]> {
  const isUsed = (k: number) => weights.some((weight, i) => i % models === k && weight > 0);
  const used = Array.from({ length: models }, (_, k) => isUsed(k));
  const sources = tensors.flatMap(({ ingredients }) => ingredients);
  const readers: (SourceReader | undefined)[] = [];
  for (const [i, source] of sources.entries()) {
    readers.push(used[i % models] ? await SourceReader.open(source, i) : undefined);
  }
  return readers;
}

/** @returns the error for the tensor's first NaN, where the request refuses it */
async function averageTensor(
  request: CheckedAverage,
  tensor: AverageTensor,
  t: number,
  readers: readonly (SourceReader | undefined)[],
  turn: Turn,
): Promise<NaNError | undefined> {
  const total = (tensor.outputs[0] as Uint8Array).byteLength;
  const all = Math.min(WINDOW_BYTES, request.memoryLimit);
  const bytes = Math.max(Math.floor(all / request.models / STEP_BYTES), 1) * STEP_BYTES;
  let nan: NaNError | undefined;
  for (let begin = 0; begin < total; begin += bytes) {
    const end = Math.min(begin + bytes, total);
    const window: (Uint8Array | undefined)[] = [];
    for (const reader of readers) window.push(await reader?.read(begin, end));
    if (request.refuseNaN) nan = earlier(nan, await findNaN(window, tensor, t, begin, turn));
    for (const [b, output] of tensor.outputs.entries()) {
      const weights = request.weights.subarray(b * request.models, (b + 1) * request.models);
      const ingredients = [...weights.keys()].filter((k) => (weights[k] as number) > 0);
      await averageWindow(
        tensor,
        ingredients.map((k) => window[k] as Uint8Array),
        ingredients.map((k) => weights[k] as number),
        request.divisors[b] as number,
        output.subarray(begin, end),
        turn,
      );
    }
  }
  return nan;
}

async function averageWindow(
  { dtype }: AverageTensor,
  ingredients: readonly Uint8Array[],
  weights: readonly number[],
  divisor: number,
  output: Uint8Array,
  turn: Turn,
): Promise<void> {
  const format = FLOAT_FORMATS[dtype];
  const bytes = FLOAT_BYTES[dtype];
  const views = ingredients.map(viewOf);
  const outputView = viewOf(output);
  for (let offset = 0; offset < output.byteLength; offset += bytes) {
    if (areEqual(ingredients, offset, bytes)) {
      for (let i = offset; i < offset + bytes; i++) output[i] = ingredients[0]?.[i] as number;
    } else {
      let sum = -0; // what leaves every first product as it is
      for (const [k, view] of views.entries()) sum += (weights[k] as number) * format.read(view, offset);
      format.write(outputView, offset, sum / divisor);
    }
    if (offset % 1024 === 0 && turn.isOver()) await turn.next();
  }
}

/** The error for the first NaN of a window that begins at a byte of its tensor, ingredient after ingredient. */
async function findNaN(
  window: readonly (Uint8Array | undefined)[],
  { dtype }: AverageTensor,
  t: number,
  begin: number,
  turn: Turn,
): Promise<NaNError | undefined> {
  const bytes = FLOAT_BYTES[dtype];
  for (const [k, ingredient] of window.entries()) {
    if (ingredient === undefined) continue;
    const view = viewOf(ingredient);
    for (let offset = 0; offset < view.byteLength; offset += bytes) {
      if (Number.isNaN(FLOAT_FORMATS[dtype].read(view, offset))) return new NaNError(t, k, (begin + offset) / bytes);
      if (offset % 1024 === 0 && turn.isOver()) await turn.next();
    }
  }
  return undefined;
}

function earlier(a: NaNError | undefined, b: NaNError | undefined): NaNError | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.ingredient < a.ingredient ? b : a;
}

function viewOf(array: Uint8Array): DataView {
  return new DataView(array.buffer, array.byteOffset, array.byteLength);
}

function areEqual(arrays: readonly Uint8Array[], begin: number, count: number): boolean {
  for (let i = begin; i < begin + count; i++) {
    for (const array of arrays) if (array[i] !== arrays[0]?.[i]) return false;
  }
  return true;
}
