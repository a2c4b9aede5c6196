/** The a_k of the contract from the weights p of mixtures, [S, N]; computed once for all backends. */

/** p / max p, for counts: no division can make or break a tie between the classes of a uniform subset, whose a_k are all 1. */
export function coefficientsByLargest(mixtures: Float64Array, models: number): Float64Array {
  return dividedRows(mixtures, models, largest);
}

/** p / Σp, for cross-entropy, where the scale of the logits counts, and that divided by each model's temperature. */
export function coefficientsBySum(mixtures: Float64Array, models: number, temperatures?: Float64Array): Float64Array {
  const coefficients = dividedRows(mixtures, models, sum);
  return temperatures ? coefficients.map((a, index) => a / (temperatures[index % models] as number)) : coefficients;
}

function dividedRows(mixtures: Float64Array, models: number, scaleOf: (p: Float64Array) => number): Float64Array {
  const coefficients = new Float64Array(mixtures.length);
  for (let row = 0; row < mixtures.length; row += models) {
    const weights = mixtures.subarray(row, row + models);
    const scale = scaleOf(weights);
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
