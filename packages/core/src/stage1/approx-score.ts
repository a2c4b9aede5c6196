import type { Backend } from '@radin/native';
import { RadinError } from '../errors/index.js';
import type { PoolLogits } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';

/** Numbers of one tile's [mixtures, N] weight matrix: 16 MiB. Each tile reads the logits once. */
const TILE_WEIGHTS = 2 ** 21;

/**
 * Approximate score of each mixture (RADIN, Eq. 3): the score of its averaged logits. Exact for a mixture of one model.
 * Cost: no forward pass; mixtures × M × C × ingredients multiplications.
 * @returns one score per mixture, in the metric's unit
 */
export async function approxScores(
  cache: PoolLogits,
  mixtures: readonly Mixture[],
  metric: Metric,
  backend: Backend,
  options: CallOptions & { threads?: number } = {},
): Promise<Float64Array> {
  const { samples, classes, labels } = cache;
  const models = cache.models.length;
  checkMetric(metric, classes);
  const { signal, threads, onProgress } = options;
  const logits = cache.logits.map(({ values }) => values);
  const scores = new Float64Array(mixtures.length);
  const tile = Math.max(1, Math.floor(TILE_WEIGHTS / models));
  for (let start = 0; start < mixtures.length; start += tile) {
    const part = mixtures.slice(start, start + tile);
    const weights = new Float64Array(part.length * models);
    for (const [row, mixture] of part.entries()) weights.set(mixture.weights, row * models);
    const totals = await backend.score(
      { logits, samples, classes, labels, mixtures: weights, measure: metric.measure },
      { ...(signal && { signal }), ...(threads && { threads }) },
    );
    scores.set(
      totals.map((total) => metric.score(total, samples)),
      start,
    );
    onProgress?.({ phase: 'score', done: start + part.length, total: mixtures.length });
  }
  return scores;
}

/** @throws RadinError where the metric makes no sense for this number of classes. */
export function checkMetric({ name, measure }: Metric, classes: number): void {
  if (measure.kind === 'top' && measure.k > classes) {
    throw new RadinError('CONFIG', `Expected a metric for ${classes} classes but found ${name}`);
  }
}
