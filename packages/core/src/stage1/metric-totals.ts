import type { Backend, Bank, RunOptions, SampleMeasure } from '@radin/native';
import type { PoolLogits } from '../logits/index.js';
import type { ClassMeasure, Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import { PredictedClasses } from './predicted-classes.js';
import { defined, finiteFloat32, predictionScores } from './prediction-scores.js';

/** Numbers of one tile's [mixtures, N] weight matrix: 16 MiB. */
const TILE_WEIGHTS = 2 ** 21;

export interface TotalsOptions extends Pick<RunOptions, 'threads' | 'signal'> {
  /** Shape [N]: what each model's logits are divided by. Default: 1. */
  readonly temperatures?: Float64Array | undefined;
  /** Told how many mixtures are done. */
  readonly onScored?: (done: number) => void;
}

/** What a metric adds up over the samples of mixtures' averaged logits, each kind of measure in its own way. */
export interface MetricTotals {
  /** Of accuracy and top-K: what is left of the logits. */
  readonly bank?: Bank;
  /** One total for each mixture; of measures of all samples at once it is the score. @throws SourceError; RadinError where the metric is not defined */
  of(mixtures: readonly Mixture[], options: TotalsOptions): Promise<Float64Array>;
  /** Gives the memory back. */
  close(): void;
}

/**
 * Cost: one read of the logits into a bank for what counts samples, two where the predicted classes determine the metric; one to look for
 * logits that are not finite where it needs the averaged logits themselves; none for losses, which read them for every call.
 * @throws NonFiniteLogitError, SourceError
 */
export async function openMetricTotals(
  cache: PoolLogits,
  metric: Metric,
  backend: Backend,
  run: RunOptions,
): Promise<MetricTotals> {
  const { measure } = metric;
  switch (measure.kind) {
    case 'top': {
      const { logits, samples, classes, labels } = cache;
      return countTotals(await backend.openBank({ logits, samples, classes, labels, top: measure.k }, run));
    }
    case 'classes':
      return classTotals(await PredictedClasses.open(cache, backend, run), cache, metric, measure);
    case 'predictions': {
      const request = { cache: await finiteFloat32(cache, run.signal), metric, measure, backend };
      return {
        of: (mixtures, { temperatures, onScored, ...call }) =>
          predictionScores(mixtures, { ...request, temperatures }, call, onScored),
        close: () => {},
      };
    }
    default: {
      const summed = measure.kind === 'squared-error' ? measure.kind : 'loss';
      return { of: (mixtures, options) => sampleTotals(mixtures, cache, backend, summed, options), close: () => {} };
    }
  }
}

/** What the softmax of the averaged logits has on each sample, added up. One read of the logits. @throws SourceError */
export function sampleTotals(
  mixtures: readonly Mixture[],
  cache: PoolLogits,
  backend: Backend,
  measure: SampleMeasure,
  options: TotalsOptions,
): Promise<Float64Array> {
  const { logits, samples, classes, labels } = cache;
  const { temperatures } = options;
  const request = { logits, samples, classes, labels, measure, ...(temperatures && { temperatures }) };
  return inTiles(mixtures, options, async (weights, run) => {
    return (await backend.crossEntropy({ ...request, mixtures: weights }, run)).totals;
  });
}

function countTotals(bank: Bank): MetricTotals {
  return {
    bank,
    of: (mixtures, options) =>
      inTiles(mixtures, options, (weights, run) => bank.count(scaled(weights, options.temperatures), run)),
    close: () => bank.close(),
  };
}

function classTotals(
  predictions: PredictedClasses,
  cache: PoolLogits,
  { name }: Metric,
  measure: ClassMeasure,
): MetricTotals {
  return {
    of: async (mixtures, { temperatures, onScored, ...run }) => {
      const scores = new Float64Array(mixtures.length);
      for (const [index, { weights }] of mixtures.entries()) {
        run.signal?.throwIfAborted();
        const predicted = await predictions.of(scaled(weights, temperatures), run);
        scores[index] = defined(measure.of(predicted, cache, cache.classes), name, cache);
        onScored?.(index + 1);
      }
      return scores;
    },
    close: () => predictions.close(),
  };
}

/** Σ p_k ŷ_k / T_k ranks the classes as the mixture with weights p_k / T_k does, of whatever sum. @param weights shape [S, N] */
function scaled(weights: Float64Array, temperatures: Float64Array | undefined): Float64Array {
  if (temperatures === undefined) return weights;
  return weights.map((p, index) => p / (temperatures[index % temperatures.length] as number));
}

/** Totals of as many mixtures at once as their weights, [S, N], take little memory. */
async function inTiles(
  mixtures: readonly Mixture[],
  { onScored, temperatures: _, ...run }: TotalsOptions,
  totalsOf: (weights: Float64Array, run: RunOptions) => Promise<Float64Array>,
): Promise<Float64Array> {
  const models = mixtures[0]?.weights.length ?? 1;
  const totals = new Float64Array(mixtures.length);
  const tile = Math.max(1, Math.floor(TILE_WEIGHTS / models));
  for (let start = 0; start < mixtures.length; start += tile) {
    const part = mixtures.slice(start, start + tile);
    const weights = new Float64Array(part.length * models);
    for (const [row, mixture] of part.entries()) weights.set(mixture.weights, row * models);
    totals.set(await totalsOf(weights, run), start);
    onScored?.(start + part.length);
  }
  return totals;
}
