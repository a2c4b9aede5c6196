import { forEachBlock } from '../blocks.js';
import type { PoolLogits } from '../logits/index.js';
import { readSamples } from '../stage1/index.js';

/** How often the single models of a pool predict different classes. */
export interface Disagreement {
  /** Samples that were looked at: all, or evenly spaced ones of a large split. */
  readonly samples: number;
  /** Of each model and all that come before it in the pool, the samples on which their predicted classes differ. */
  readonly counts: readonly (readonly number[])[];
}

/** Logits that are looked at, and predictions that are compared: either takes about a fifth of a second. */
const MOST_LOGITS = 1e8;
const MOST_COMPARISONS = 1e8;

/**
 * Counts for every pair of models the samples on which their predicted classes differ; of equal logits the lowest class is the
 * prediction. No forward pass. Cost: one read of the cached logits, or of evenly spaced samples where there are too many.
 * @throws as `readSamples`
 */
export async function modelDisagreement(cache: PoolLogits, signal?: AbortSignal): Promise<Disagreement> {
  const { models, samples, classes } = cache;
  const size = models.length;
  const room = Math.min(MOST_LOGITS / (size * classes), MOST_COMPARISONS / Math.max((size * (size - 1)) / 2, 1));
  const step = Math.max(1, Math.ceil(samples / room));
  const predictions: Uint32Array[] = [];
  const counts: number[][] = [];
  await forEachBlock(size, 1, signal, (model) => {
    const logits = readSamples(cache, model, 0, samples);
    const own = new Uint32Array(Math.ceil(samples / step));
    for (let at = 0; at < own.length; at++) own[at] = predictedClass(logits, at * step * classes, classes);
    counts.push(predictions.map((other) => differing(own, other)));
    predictions.push(own);
  });
  return { samples: Math.ceil(samples / step), counts };
}

function predictedClass(logits: Float32Array, first: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if ((logits[first + c] as number) > (logits[first + best] as number)) best = c;
  return best;
}

function differing(a: Uint32Array, b: Uint32Array): number {
  let count = 0;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) count++;
  return count;
}
