import type { SampleMeasure } from '@radin/native';
import type { PoolLogits } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import { DEFAULT_SMOOTHING, type Estimate, type EstimateChoice } from '../sampler/index.js';
import { labelProbabilities, meanLogProbabilities } from './label-probabilities.js';

/** What an estimate adds up over the samples: what the metric counts, or losses or probabilities of the mixed logits. */
export interface Summand {
  readonly measure: 'metric' | SampleMeasure;
  /** Shape [N]: what each model's logits are divided by. */
  readonly temperatures?: Float64Array;
}

export interface EstimateParts {
  readonly cache: PoolLogits;
  readonly metric: Metric;
  /** T_k of every model. */
  temperatures(signal?: AbortSignal): Promise<Float64Array>;
  /** One total for each mixture. */
  totals(mixtures: readonly Mixture[], summand: Summand, signal?: AbortSignal): Promise<Float64Array>;
}

/**
 * One number per mixture from the averaged logits, or for `cross-entropy-of-probabilities` from the averaged probabilities.
 * Cost of opening: a read of the logits for temperatures and for probabilities, else nothing. @throws SourceError
 */
export async function openEstimate(
  parts: EstimateParts,
  { name, temperature = 'none', smoothing = DEFAULT_SMOOTHING }: EstimateChoice,
  signal?: AbortSignal,
): Promise<Estimate> {
  const { cache, metric } = parts;
  const { samples, models } = cache;
  const fitted = temperature === 'per-model' ? await parts.temperatures(signal) : undefined;
  const summed = (unit: Metric['unit'], summand: Summand, score: (total: number) => number): Estimate => ({
    unit,
    of: async (mixtures, call) => (await parts.totals(mixtures, summand, call)).map(score),
  });
  const scaled = fitted && { temperatures: fitted };
  switch (name) {
    case 'metric':
      return summed(metric.unit, { measure: 'metric', ...scaled }, (total) => metric.score(total, samples));
    case 'cross-entropy':
      return summed('nats', { measure: 'loss', ...scaled }, (total) => -total / samples);
    case 'smoothed-accuracy': {
      const temperatures = Float64Array.from(models, (_, model) => smoothing * (fitted?.[model] ?? 1));
      return summed('fraction', { measure: 'probability', temperatures }, (total) => total / samples);
    }
    case 'cross-entropy-of-probabilities': {
      const probabilities = await labelProbabilities(cache, fitted, signal);
      return { unit: 'nats', of: (mixtures, call) => meanLogProbabilities(probabilities, samples, mixtures, call) };
    }
  }
}
