/** The contract of backend.ts in plain TypeScript, written to be read: the oracle of the tests, and what works everywhere. */

import {
  type AverageRequest,
  type AverageTensor,
  type Backend,
  FLOAT_BYTES,
  type RunOptions,
  type ScoreRequest,
} from './backend.js';
import { mixingCoefficients } from './coefficients.js';
import { FLOAT_FORMATS } from './float-formats.js';
import { BLOCK_SAMPLES, measureSample } from './measures.js';
import { crossEntropy } from './reference-cross-entropy.js';
import { openCrossEntropyBank } from './reference-cross-entropy-bank.js';
import { Turn } from './turn.js';
import { checkAverage, checkOptions, checkScore, nonFiniteLogit } from './validate.js';

async function average(request: AverageRequest, options: RunOptions = {}): Promise<void> {
  const { weights, divisor, tensors } = checkAverage(request);
  const turn = new Turn(checkOptions(options).signal);
  for (const tensor of tensors) await averageTensor(weights, divisor, tensor, turn);
}

async function averageTensor(weights: Float64Array, divisor: number, tensor: AverageTensor, turn: Turn): Promise<void> {
  const format = FLOAT_FORMATS[tensor.dtype];
  const bytes = FLOAT_BYTES[tensor.dtype];
  const ingredients = tensor.ingredients.map(viewOf);
  const output = viewOf(tensor.output);
  for (let offset = 0; offset < output.byteLength; offset += bytes) {
    if (areEqual(tensor.ingredients, offset, bytes)) {
      for (let i = offset; i < offset + bytes; i++) tensor.output[i] = tensor.ingredients[0]?.[i] as number;
    } else {
      let sum = -0; // what leaves every first product as it is
      for (const [k, ingredient] of ingredients.entries())
        sum += (weights[k] as number) * format.read(ingredient, offset);
      format.write(output, offset, sum / divisor);
    }
    if (offset % 1024 === 0 && turn.isOver()) await turn.next();
  }
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

async function score(request: ScoreRequest, options: RunOptions = {}): Promise<Float64Array> {
  const { logits, samples, classes, labels, mixtures, measure } = checkScore(request);
  const turn = new Turn(checkOptions(options).signal);
  await requireFinite(logits, classes, turn);

  const models = logits.length;
  const coefficients = mixingCoefficients(mixtures, models, measure);
  const totals = new Float64Array(mixtures.length / models);
  const mixed = new Float64Array(samples > 0 ? classes : 0); // C is bounded by memory only where there are logits
  for (let s = 0; s < totals.length; s++) {
    const mixture = coefficients.subarray(s * models, (s + 1) * models);
    let total = 0;
    for (let block = 0; block < samples; block += BLOCK_SAMPLES) {
      let sum = 0;
      for (let sample = block; sample < Math.min(block + BLOCK_SAMPLES, samples); sample++) {
        mix(logits, mixture, sample * classes, mixed);
        sum += measureSample(measure, mixed, labels[sample] as number);
        if (turn.isOver()) await turn.next();
      }
      total += sum;
    }
    totals[s] = total;
  }
  return totals;
}

/** mixed[c] = Σ_k a_k ŷ_k[begin + c] over a_k > 0, k ascending. */
function mix(logits: readonly Float32Array[], coefficients: Float64Array, begin: number, mixed: Float64Array): void {
  mixed.fill(-0); // what leaves every first product as it is
  for (const [k, model] of logits.entries()) {
    const coefficient = coefficients[k] as number;
    if (coefficient === 0) continue;
    for (let c = 0; c < mixed.length; c++) mixed[c] = (mixed[c] as number) + coefficient * (model[begin + c] as number);
  }
}

async function requireFinite(logits: readonly Float32Array[], classes: number, turn: Turn): Promise<void> {
  for (const [model, values] of logits.entries()) {
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) throw nonFiniteLogit(logits, classes, model, i);
      if (i % 4096 === 0 && turn.isOver()) await turn.next();
    }
  }
}

export const referenceBackend: Backend = { name: 'reference', average, score, crossEntropy, openCrossEntropyBank };
