/** What one sample contributes to a total, as the reference computes it. The twin of the functions in src/cpu/score.cc. */

import type { Measure } from './backend.js';
import { expNonpositive, logAtLeastOne } from './elementary.js';

/**
 * Samples are added in blocks of this many, and the block sums in block order: a fixed order that threads can keep. Equal
 * to kBlockSamples in src/cpu/score.cc.
 */
export const BLOCK_SAMPLES = 256;

/** 1 if the label is among the `k` largest logits, ties going to the lowest class, else 0. */
function isInTop(logits: Float64Array, label: number, k: number): number {
  const truth = logits[label] as number;
  let preferred = 0;
  for (const [c, logit] of logits.entries()) {
    if (logit > truth || (logit === truth && c < label)) preferred++;
  }
  return preferred < k ? 1 : 0;
}

/** −log softmax(logits)[label] in nats, as log Σ exp(z_c − max z) + (max z − z_label): two terms that are never negative. */
function crossEntropy(logits: Float64Array, label: number): number {
  let largest = logits[0] as number;
  for (const logit of logits) largest = Math.max(largest, logit);
  let sum = 0;
  for (const logit of logits) sum += expNonpositive(logit - largest);
  return logAtLeastOne(sum) + (largest - (logits[label] as number));
}

/** The measure of one sample from its mixed logits [C]. */
export function measureSample(measure: Measure, logits: Float64Array, label: number): number {
  return measure.kind === 'top' ? isInTop(logits, label, measure.k) : crossEntropy(logits, label);
}
