import type { AverageRequest, Backend, FloatDtype } from '@radin/native';
import { dtypeBytes, floatValues, writeFloats } from '../formats/index.js';
import type { Checkpoint } from '../pool/index.js';
import type { SoupPart } from './soup-part.js';

/** Bytes of float64 numbers of all models and soups that are in memory at a time. */
const BLOCK_BYTES = 16 * 2 ** 20;

/**
 * Averages a part of a tensor that some models compute when it is read, such as the merged weights of adapters: their products and
 * the average of them are float64, rounded once to the tensor's type. Same bits whatever the part.
 * @throws RadinError where a model cannot be read, or a weight is NaN; the signal's reason once it is aborted
 */
export async function averageExactly(
  models: readonly Checkpoint[],
  { tensor, byteOffset, outputs }: SoupPart,
  coefficients: Pick<AverageRequest, 'weights' | 'divisors'>,
  backend: Backend,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const dtype = tensor.dtype as FloatDtype;
  const size = dtypeBytes(dtype);
  const length = (outputs[0] as Uint8Array).byteLength / size;
  const together = (models.length + outputs.length) * Float64Array.BYTES_PER_ELEMENT;
  const block = Math.max(1, Math.floor(BLOCK_BYTES / together));
  for (let first = 0; first < length; first += block) {
    options.signal?.throwIfAborted();
    const count = Math.min(block, length - first);
    const ingredients: Uint8Array[] = [];
    for (const model of models) {
      ingredients.push(bytesOf(await exactValues(model, tensor.name, dtype, byteOffset / size + first, count)));
    }
    const averages = outputs.map(() => new Float64Array(count));
    const request = { dtype: 'F64', ingredients, outputs: averages.map(bytesOf) } as const;
    await backend.average({ ...coefficients, tensors: [request] }, options);
    for (const [soup, output] of outputs.entries()) {
      writeFloats(averages[soup] as Float64Array, dtype, output.subarray(first * size, (first + count) * size));
    }
  }
}

async function exactValues(
  model: Checkpoint,
  name: string,
  dtype: FloatDtype,
  first: number,
  count: number,
): Promise<Float64Array> {
  const exact = model.exact?.(name);
  if (exact !== undefined) {
    const values = new Float64Array(count);
    await exact(values, first);
    return values;
  }
  const size = dtypeBytes(dtype);
  const bytes = new Uint8Array(count * size);
  await model.read(name, bytes, first * size);
  return floatValues(bytes, dtype);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
