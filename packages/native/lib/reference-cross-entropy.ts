/** The contract's cross-entropy in plain TypeScript: cross-entropy.ts on sample after sample. */

import type { CrossEntropy, CrossEntropyRequest, LogitsRequest, RunOptions } from './backend.js';
import { readLogits, watchSources } from './cached-logits.js';
import { checkCrossEntropy } from './check-logits.js';
import { coefficientsBySum } from './coefficients.js';
import { BLOCK_SAMPLES, mixingTerms, sampleValue } from './cross-entropy.js';
import { NonFiniteLogitError } from './non-finite-logit-error.js';
import { Turn } from './turn.js';
import { checkOptions } from './validate.js';

export async function crossEntropy(request: CrossEntropyRequest, options: RunOptions = {}): Promise<CrossEntropy> {
  const checked = checkCrossEntropy(request);
  const turn = new Turn(checkOptions(options));
  const requireUnchanged = watchSources(checked);
  const { logits, samples, labels, gradient, measure } = checked;
  const models = logits.length;
  await requireFiniteLogits(checked, turn);

  const coefficients = coefficientsBySum(checked.mixtures, models, checked.temperatures);
  const mixtures = Array.from({ length: coefficients.length / models }, (_, s) =>
    mixingTerms(coefficients.subarray(s * models, (s + 1) * models), measure),
  );
  const results = mixtures.map(() => new Float64Array(gradient ? models + 1 : 1)); // the total and the gradient of each
  for (let block = 0; block < samples; block += BLOCK_SAMPLES) {
    const sums = mixtures.map(() => new Float64Array(gradient ? models + 1 : 1));
    for (let m = block; m < Math.min(block + BLOCK_SAMPLES, samples); m++) {
      const sample = { rows: readRows(checked, m), label: labels[m] as number };
      for (const [s, mixture] of mixtures.entries()) {
        const { value, gradient: derivatives = [] } = sampleValue(sample, mixture, measure, gradient);
        addTo(sums[s] as Float64Array, [value, ...derivatives]);
        if (turn.isOver()) await turn.next();
      }
    }
    for (const [s, sum] of sums.entries()) addTo(results[s] as Float64Array, sum);
  }
  requireUnchanged();
  const totals = Float64Array.from(results, ([total]) => total as number);
  return gradient ? { totals, gradients: Float64Array.from(results.flatMap(([, ...rest]) => rest)) } : { totals };
}

function readRows(request: LogitsRequest, sample: number): Float32Array[] {
  return request.logits.map((_, k) => readLogits(request, k, sample * request.classes, request.classes));
}

function addTo(sums: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (values[i] as number);
}

/** @throws RangeError for the first logit, model by model, that is not finite. */
export async function requireFiniteLogits(request: LogitsRequest, turn: Turn): Promise<void> {
  const { logits, samples, classes } = request;
  for (const model of logits.keys()) {
    for (let sample = 0; sample < samples; sample++) {
      const row = readLogits(request, model, sample * classes, classes);
      const found = row.findIndex((logit) => !Number.isFinite(logit));
      if (found >= 0) {
        throw new NonFiniteLogitError(model, sample, found, row[found] as number);
      }
      if (turn.isOver()) await turn.next();
    }
  }
}
