/**
 * Scores of metrics that are no sums over the samples. The averaged logits of a few mixtures are in memory at once: they are
 * computed by the backend's `average` in one pass over the logits for all of them, float64 sums rounded once to float32, which
 * are a model's own logits for a mixture of one. Cost: for each mixture that pass, bound by memory or disk, what the metric
 * asks of the backend, and the rest of the metric on one thread (docs/metrics.md has times).
 */

import { setImmediate } from 'node:timers/promises';
import { type Backend, NonFiniteLogitError, type RunOptions, type Source } from '@radin/native';
import { forEachBlock } from '../blocks.js';
import { RadinError } from '../errors/index.js';
import { type PoolLogits, type StoredLogits, storedInMemory } from '../logits/index.js';
import type { Metric, PredictionMeasure } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import { readSamples } from './read-samples.js';

/** Averaged logits in memory at once: 32 MiB, or those of one mixture. */
const MOST_LOGITS = 2 ** 23;
/** Logits that are looked at between two looks at the signal. */
const READ_AT_ONCE = 2 ** 22;

/**
 * The logits as float32, all finite: those that are float32 stay where they are, others are read into memory. One read.
 * @throws NonFiniteLogitError, SourceError
 */
export async function finiteFloat32(cache: PoolLogits, signal?: AbortSignal): Promise<PoolLogits> {
  const { logits, samples, classes } = cache;
  const read: StoredLogits[] = [];
  for (const [model, stored] of logits.entries()) {
    const copy = stored.dtype === 'F32' ? undefined : new Float32Array(samples * classes);
    await forEachBlock(samples, Math.max(1, Math.floor(READ_AT_ONCE / classes)), signal, (first, count) => {
      const values = readSamples(cache, model, first, count);
      for (let at = 0; at < values.length; at++) {
        const value = values[at] as number;
        if (value - value === 0) continue;
        throw new NonFiniteLogitError(model, first + Math.floor(at / classes), at % classes, value);
      }
      copy?.set(values, first * classes);
    });
    read.push(copy === undefined ? stored : storedInMemory({ values: copy, samples, classes }));
  }
  return { ...cache, logits: read };
}

export interface PredictionScoresRequest {
  /** As `finiteFloat32` gives it. */
  readonly cache: PoolLogits;
  readonly metric: Metric;
  readonly measure: PredictionMeasure;
  readonly backend: Backend;
  /** Shape [N]: what each model's logits are divided by. Default: 1. */
  readonly temperatures?: Float64Array | undefined;
}

/**
 * One score for each mixture.
 * @param onScored told how many are done
 * @throws SourceError; RadinError where the metric is not defined for these samples
 */
export async function predictionScores(
  mixtures: readonly Mixture[],
  { cache, metric, measure, backend, temperatures }: PredictionScoresRequest,
  run: RunOptions,
  onScored: (done: number) => void = () => {},
): Promise<Float64Array> {
  const { samples, classes, models } = cache;
  const scores = new Float64Array(mixtures.length);
  const atOnce = Math.max(1, Math.floor(MOST_LOGITS / (samples * classes)));
  const outputs = Array.from({ length: Math.min(atOnce, mixtures.length) }, () => new Float32Array(samples * classes));
  const ingredients = cache.logits.map(({ source }): Source => source);
  for (let start = 0; start < mixtures.length; start += atOnce) {
    const part = mixtures.slice(start, start + atOnce);
    const weights = new Float64Array(part.length * models.length);
    const divisors = new Float64Array(part.length);
    for (const [row, mixture] of part.entries()) {
      // As averages of weights are: a uniform sum is divided once.
      const whole = mixture.uniform && temperatures === undefined;
      divisors[row] = whole ? mixture.size : 1;
      for (const k of mixture.ingredients) {
        weights[row * models.length + k] = whole ? 1 : (mixture.weights[k] as number) / (temperatures?.[k] ?? 1);
      }
    }
    const targets = outputs.slice(0, part.length).map(bytesOf);
    await backend.average({ weights, divisors, tensors: [{ dtype: 'F32', ingredients, outputs: targets }] }, run);
    for (const [row] of part.entries()) {
      await setImmediate();
      run.signal?.throwIfAborted();
      const logits = outputs[row] as Float32Array;
      const predict = () => backend.predict({ logits, classes }, run);
      const score = await measure.of({
        logits,
        samples,
        classes,
        truth: cache,
        predict,
        ...(run.signal && { signal: run.signal }),
      });
      scores[start + row] = defined(score, metric.name, cache);
      onScored(start + row + 1);
    }
  }
  return scores;
}

/** @throws RadinError for a score that is not finite: the samples do not define the metric */
export function defined(
  score: number,
  metric: string,
  { samples, classes }: Pick<PoolLogits, 'samples' | 'classes'>,
): number {
  if (Number.isFinite(score)) return score;
  throw new RadinError(
    'DATA',
    `Expected samples for which ${metric} is defined but found ${score} for ${samples} samples of ${classes} classes`,
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
