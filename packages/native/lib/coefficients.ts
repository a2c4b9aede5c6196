import type { Measure } from './backend.js';

/**
 * The a_k of the contract for each mixture, [S, N]: p / max p for `top`, so that no division can make or break a tie
 * between the classes of a uniform subset; p / Σp for cross-entropy, where the scale of the logits counts. Computed once
 * for all backends.
 */
export function mixingCoefficients(mixtures: Float64Array, models: number, measure: Measure): Float64Array {
  const coefficients = new Float64Array(mixtures.length);
  for (let row = 0; row < mixtures.length; row += models) {
    const weights = mixtures.subarray(row, row + models);
    const scale = measure.kind === 'top' ? largest(weights) : sum(weights);
    for (let k = 0; k < models; k++) coefficients[row + k] = (weights[k] as number) / scale;
  }
  return coefficients;
}

function largest(values: Float64Array): number {
  let result = 0;
  for (const value of values) result = Math.max(result, value);
  return result;
}

/** Added in ascending order, which is part of the contract's bits. */
export function sum(values: Float64Array): number {
  let result = 0;
  for (const value of values) result += value;
  return result;
}
