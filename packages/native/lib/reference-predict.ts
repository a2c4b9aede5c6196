/** Predictions as backend.ts states them, written to be read. */

import { types } from 'node:util';
import type { Predicted, PredictRequest, RunOptions } from './backend.js';
import { expNonpositive } from './elementary.js';
import { Turn } from './turn.js';
import { checkOptions, requireFixedArray, requireInteger, wrongValue } from './validate.js';

/** Logits between two looks at the clock. */
const LOGITS_AT_ONCE = 2 ** 14;

export async function predict(request: PredictRequest, options: RunOptions = {}): Promise<Predicted> {
  const { logits, classes } = checkPredict(request);
  const turn = new Turn(checkOptions(options));
  const samples = logits.length / classes;
  const predicted = emptyPredicted(samples);
  const atOnce = Math.max(1, Math.floor(LOGITS_AT_ONCE / classes));
  for (let sample = 0; sample < samples; sample++) {
    if (sample % atOnce === 0 && turn.isOver()) await turn.next();
    predictSample(logits, classes, sample, predicted);
  }
  return predicted;
}

export function checkPredict({ logits, classes }: PredictRequest): PredictRequest {
  requireFixedArray(logits, types.isFloat32Array, 'a Float32Array', 'logits');
  requireInteger(classes, 1, Number.MAX_SAFE_INTEGER, 'classes');
  if (logits.length % classes !== 0) throw wrongValue(`a multiple of ${classes} logits`, 'logits', logits.length);
  return { logits, classes };
}

export function emptyPredicted(samples: number): Predicted {
  return { predicted: new Uint32Array(samples), sums: new Float64Array(samples) };
}

function predictSample(logits: Float32Array, classes: number, sample: number, { predicted, sums }: Predicted): void {
  const first = sample * classes;
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if ((logits[first + c] as number) > (logits[first + best] as number)) best = c;
  }
  const most = logits[first + best] as number;
  // Adding and subtracting it rounds to multiples of 2^−52 of that power of two.
  const rounder = 1.5 * powerOfTwoNotBelow(classes);
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const value = expNonpositive((logits[first + c] as number) - most);
    sum += value + rounder - rounder;
  }
  predicted[sample] = best;
  sums[sample] = sum;
}

function powerOfTwoNotBelow(classes: number): number {
  let power = 1;
  while (power < classes) power *= 2;
  return power;
}
