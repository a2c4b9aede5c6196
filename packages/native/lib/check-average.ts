/** What both backends check of an average before they start; see validate.ts. */

import { types } from 'node:util';
import { type AverageRequest, type AverageTensor, FLOAT_BYTES, leastAverageMemory } from './backend.js';
import { checkSource } from './check-source.js';
import { requireDisjointOutputs } from './overlap.js';
import {
  requireArray,
  requireDtype,
  requireFixedArray,
  requireInteger,
  requireObject,
  requirePositive,
  wrongType,
  wrongValue,
} from './validate.js';

/** More than this makes no average faster: 1 MiB of each of 13 files for up to 16 threads. */
const DEFAULT_MEMORY = 256 * 2 ** 20;

export interface CheckedAverage extends Required<AverageRequest> {
  /** N. */
  readonly models: number;
}

export function checkAverage(request: AverageRequest): CheckedAverage {
  requireObject(request, 'request');
  const divisors = checkDivisors(request.divisors);
  const weights = checkWeights(request.weights, divisors.length);
  const models = weights.length / divisors.length;
  const { refuseNaN = false, memoryLimit = Math.max(DEFAULT_MEMORY, leastAverageMemory(models)) } = request;
  if (typeof refuseNaN !== 'boolean') throw wrongType('a boolean', 'refuseNaN', refuseNaN);
  requireInteger(memoryLimit, leastAverageMemory(models), Number.MAX_SAFE_INTEGER, 'memoryLimit');
  requireArray(request.tensors, 'tensors');
  const tensors = Array.from(request.tensors, (tensor, t) =>
    checkTensor(tensor, models, divisors.length, `tensors[${t}]`),
  );
  requireDisjointOutputs(tensors);
  return { weights, divisors, models, tensors, refuseNaN, memoryLimit };
}

function checkDivisors(values: Float64Array): Float64Array {
  requireFixedArray(values, types.isFloat64Array, 'a Float64Array', 'divisors');
  const divisors = new Float64Array(values);
  if (divisors.length === 0) throw wrongValue('at least one divisor', 'divisors', 0);
  for (const [b, divisor] of divisors.entries()) requirePositive(divisor, `divisors[${b}]`);
  return divisors;
}

function checkWeights(values: Float64Array, outputs: number): Float64Array {
  requireFixedArray(values, types.isFloat64Array, 'a Float64Array', 'weights');
  const weights = new Float64Array(values);
  if (weights.length === 0 || weights.length % outputs !== 0) {
    throw wrongValue(`as many weights for each of ${outputs} outputs`, 'weights', weights.length);
  }
  for (const [i, weight] of weights.entries()) {
    if (!(weight >= 0 && weight < Infinity)) throw wrongValue('a finite number of at least 0', `weights[${i}]`, weight);
  }
  const models = weights.length / outputs;
  for (let b = 0; b < outputs; b++) {
    if (!weights.subarray(b * models, (b + 1) * models).some((weight) => weight > 0)) {
      throw wrongValue('a weight above 0', `the weights of output ${b}`, 'none');
    }
  }
  return weights;
}

function checkTensor(tensor: AverageTensor, models: number, count: number, name: string): AverageTensor {
  requireObject(tensor, name);
  const { dtype } = tensor;
  requireDtype(dtype, `${name}.dtype`);
  requireArray(tensor.ingredients, `${name}.ingredients`);
  requireArray(tensor.outputs, `${name}.outputs`);
  const ingredients = Array.from(tensor.ingredients, (source, k) => checkSource(source, `${name}.ingredients[${k}]`));
  const outputs = Array.from(tensor.outputs);
  if (ingredients.length !== models) {
    throw wrongValue(`${models} sources, one per model,`, `${name}.ingredients`, ingredients.length);
  }
  if (outputs.length !== count)
    throw wrongValue(`${count} arrays, one per divisor,`, `${name}.outputs`, outputs.length);
  for (const [b, output] of outputs.entries()) {
    requireFixedArray(output, types.isUint8Array, 'a Uint8Array', `${name}.outputs[${b}]`);
  }
  const bytes = (outputs[0] as Uint8Array).byteLength;
  if (bytes % FLOAT_BYTES[dtype] !== 0) {
    throw wrongValue(`a multiple of ${FLOAT_BYTES[dtype]} bytes (${dtype})`, `${name}.outputs[0]`, bytes);
  }
  for (const [b, output] of outputs.entries()) {
    if (output.byteLength !== bytes) {
      throw wrongValue(`${bytes} bytes, as many as the first has,`, `${name}.outputs[${b}]`, output.byteLength);
    }
  }
  for (const [k, ingredient] of ingredients.entries()) {
    if (ingredient.byteLength !== bytes) {
      const place = `${name}.ingredients[${k}]`;
      throw wrongValue(`${bytes} bytes, as many as the outputs have,`, place, ingredient.byteLength);
    }
  }
  return { dtype, ingredients, outputs };
}
