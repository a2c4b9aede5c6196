/** The contract of backend.ts in plain TypeScript, written to be read: the oracle of the tests, and what works everywhere. */

import type { Backend, RunOptions, ScoreRequest } from './backend.js';
import { mixingCoefficients } from './coefficients.js';
import { BLOCK_SAMPLES, measureSample } from './measures.js';
import { average } from './reference-average.js';
import { openReferenceBank } from './reference-bank.js';
import { crossEntropy } from './reference-cross-entropy.js';
import { openCrossEntropyBank } from './reference-cross-entropy-bank.js';
import { Turn } from './turn.js';
import { checkOptions, checkScore, nonFiniteLogit } from './validate.js';

async function score(request: ScoreRequest, options: RunOptions = {}): Promise<Float64Array> {
  const { logits, samples, classes, labels, mixtures, measure } = checkScore(request);
  const turn = new Turn(checkOptions(options));
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

export const referenceBackend: Backend = {
  name: 'reference',
  average,
  openBank: openReferenceBank,
  crossEntropy,
  openCrossEntropyBank,
  score,
};
