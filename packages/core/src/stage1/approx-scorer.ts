import {
  type Backend,
  type Bank,
  type FileRange,
  type LogitsRequest,
  MOST_MODELS_FOR_ALL_SUBSETS,
  NonFiniteLogitError,
  SourceError,
} from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { unreadableFile } from '../formats/index.js';
import type { PoolLogits, StoredLogits } from '../logits/index.js';
import { crossEntropy, type Metric } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import type { EnsembleScores, Estimate, EstimateChoice, SimplexLoss } from '../sampler/index.js';
import type { Candidate } from './candidate.js';
import { readMargins } from './margins.js';
import { type MetricTotals, openMetricTotals, sampleTotals, type TotalsOptions } from './metric-totals.js';
import { openEstimate, type Summand } from './open-estimate.js';
import { scaledLogits } from './scaled-logits.js';
import { simplexLoss } from './simplex-loss.js';
import { someSamples } from './some-samples.js';
import { fitTemperatures } from './temperatures.js';

export interface ApproxScorerOptions {
  readonly metric: Metric;
  readonly backend: Backend;
  /** Default: all cores. No result depends on it. */
  readonly threads?: number;
}

/**
 * Stage 1: approximate scores of mixtures from cached logits (RADIN, Eq. 3), exact for a mixture of one model.
 */
export class ApproxScorer {
  readonly #cache: PoolLogits;
  readonly #metric: Metric;
  readonly #backend: Backend;
  readonly #threads: { readonly threads?: number };
  readonly #metricTotals: MetricTotals;
  #temperatures: Promise<Float64Array> | undefined;

  private constructor(cache: PoolLogits, { metric, backend, threads }: ApproxScorerOptions, totals: MetricTotals) {
    this.#cache = cache;
    this.#metric = metric;
    this.#backend = backend;
    this.#threads = threads === undefined ? {} : { threads };
    this.#metricTotals = totals;
  }

  /** Cost: as `openMetricTotals`. @throws RadinError for logits that are not finite, and for files that cannot be read */
  static async open(cache: PoolLogits, options: ApproxScorerOptions & { signal?: AbortSignal }): Promise<ApproxScorer> {
    const { metric, backend, threads, signal } = options;
    checkMetric(metric, cache.classes);
    const run = { ...(signal && { signal }), ...(threads && { threads }) };
    const totals = await openMetricTotals(cache, metric, backend, run).catch((error) =>
      Promise.reject(named(error, cache)),
    );
    return new ApproxScorer(cache, options, totals);
  }

  get #bank(): Bank | undefined {
    return this.#metricTotals.bank;
  }

  /** Whether `bestSubsets` can be asked. */
  get canScoreAllSubsets(): boolean {
    return this.#bank !== undefined && this.#cache.models.length <= MOST_MODELS_FOR_ALL_SUBSETS;
  }

  /** One score per mixture, in the metric's unit. */
  scores(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<Float64Array> {
    return this.#scores(mixtures, this.#metric, options);
  }

  /** Another estimate of the soups' scores. @throws RadinError for files that cannot be read */
  estimate(choice: EstimateChoice, signal?: AbortSignal): Promise<Estimate> {
    const parts = {
      cache: this.#cache,
      metric: this.#metric,
      temperatures: (call?: AbortSignal) => this.#fitted(call),
      totals: (mixtures: readonly Mixture[], summand: Summand, call?: AbortSignal) =>
        this.#totals(mixtures, summand, call ? { signal: call } : {}),
    };
    return this.#reading(openEstimate(parts, choice, signal));
  }

  /** What samplers may ask, cross-entropy whatever the metric is. */
  get ensemble(): EnsembleScores {
    const { models, samples, classes } = this.#cache;
    const backend = this.#backend;
    const loss = (request: LogitsRequest): SimplexLoss =>
      simplexLoss(request, this.#threads, (mixtures, run) => this.#reading(backend.crossEntropy(mixtures, run)));
    return {
      poolSize: models.length,
      samples,
      classes,
      metric: this.#metric,
      scores: (mixtures, criterion, signal) =>
        this.#scores(mixtures, criterion === 'metric' ? this.#metric : crossEntropy, signal ? { signal } : {}),
      ...(this.canScoreAllSubsets && { subsetCounts: (signal?: AbortSignal) => this.#subsetCounts(signal) }),
      crossEntropy: loss(this.#cache),
      scaledCrossEntropy: async (scale, most, signal) =>
        loss(await this.#reading(scaledLogits(this.#cache, scale, most, signal))),
      estimate: (choice, signal) => this.estimate(choice, signal),
      margins: async (most, signal) => {
        const { measure, name } = this.#metric;
        if (measure.kind !== 'top') throw new RangeError(`Expected accuracy or top-k for margins but received ${name}`);
        return this.#reading(readMargins(this.#cache, measure.k, most, signal));
      },
      onSamples: async (samples, signal) => {
        const cache = await this.#reading(someSamples(this.#cache, samples, signal));
        const options = { metric: this.#metric, backend, ...this.#threads, ...(signal && { signal }) };
        const scorer = await ApproxScorer.open(cache, options);
        return { ensemble: scorer.ensemble, close: () => scorer.close() };
      },
    };
  }

  #fitted(signal: AbortSignal | undefined): Promise<Float64Array> {
    if (this.#temperatures === undefined) {
      const fitted = fitTemperatures(this.#cache, signal);
      this.#temperatures = fitted;
      // What failed or was aborted can be asked for again.
      fitted.catch(() => {
        this.#temperatures = undefined;
      });
    }
    return this.#temperatures;
  }

  /** What reads logits, with its failures named. */
  #reading<T>(read: Promise<T>): Promise<T> {
    return read.catch((error) => Promise.reject(named(error, this.#cache)));
  }

  async #scores(mixtures: readonly Mixture[], metric: Metric, options: CallOptions): Promise<Float64Array> {
    const measure = metric === this.#metric ? 'metric' : 'loss';
    const totals = await this.#totals(mixtures, { measure }, options);
    return totals.map((total) => metric.score(total, this.#cache.samples));
  }

  #totals(
    mixtures: readonly Mixture[],
    { measure, temperatures }: Summand,
    { signal, onProgress }: CallOptions,
  ): Promise<Float64Array> {
    const options: TotalsOptions = {
      ...this.#threads,
      ...(signal && { signal }),
      temperatures,
      onScored: (done) => onProgress?.({ phase: 'score', done, total: mixtures.length }),
    };
    return this.#reading(
      measure === 'metric'
        ? this.#metricTotals.of(mixtures, options)
        : sampleTotals(mixtures, this.#cache, this.#backend, measure, options),
    );
  }

  /** 1 for each sample that the mixture's averaged logits get right, else 0. @throws RangeError for cross-entropy */
  correct({ weights }: Mixture, { signal }: CallOptions = {}): Promise<Uint8Array> {
    if (this.#bank === undefined) throw new RangeError('Expected accuracy or top-k for counts but received neither');
    return this.#bank.correct(weights, { ...this.#threads, ...(signal && { signal }) });
  }

  /**
   * The best of all 2^N − 1 uniform subsets in the order of `rankCandidates`, at most `keep` of them.
   * @throws RangeError unless `canScoreAllSubsets`
   */
  async bestSubsets(keep: number, lambda: number, options: CallOptions = {}): Promise<Candidate[]> {
    if (this.#bank === undefined)
      throw new RangeError('Expected accuracy or top-k for all subsets but received neither');
    const { models, samples } = this.#cache;
    const total = 2 ** models.length - 1;
    const { signal, onProgress } = options;
    const { subsets, correct } = await this.#bank.allSubsets(
      { keep, lambda },
      {
        ...this.#threads,
        ...(signal && { signal }),
        ...(onProgress && { onProgress: (done) => onProgress({ phase: 'score', done: done * total, total }) }),
      },
    );
    onProgress?.({ phase: 'score', done: total, total });
    return Array.from(subsets, (subset, index) => ({
      mixture: Mixture.uniform(
        models.length,
        [...models.keys()].filter((model) => (subset >>> model) & 1),
      ),
      approxScore: this.#metric.score(correct[index] as number, samples),
      rank: index + 1,
    }));
  }

  async #subsetCounts(signal: AbortSignal | undefined): Promise<Uint32Array> {
    const run = { ...this.#threads, ...(signal && { signal }) };
    const all = await this.#bank?.allSubsets({ keep: 0, lambda: 0, everyCount: true }, run);
    return all?.counts as Uint32Array;
  }

  /** Gives the memory back. */
  close(): void {
    this.#metricTotals.close();
  }
}

/** A failure of native code with the names of what it speaks of. */
function named(error: unknown, { models, logits }: PoolLogits): unknown {
  if (error instanceof NonFiniteLogitError) {
    const { model, sample, classIndex, value } = error;
    return new RadinError(
      'EVALUATION',
      `Expected finite logits but found ${value} from model ${quote(models[model] as string)} for sample ${sample}, class ${classIndex}`,
      { cause: error },
    );
  }
  if (error instanceof SourceError) {
    const { path, source } = logits[error.source] as StoredLogits;
    return unreadableFile(path as string, source as FileRange, error);
  }
  return error;
}

/** @throws RadinError where the metric makes no sense for this number of classes. */
export function checkMetric({ name, measure }: Metric, classes: number): void {
  if (measure.kind === 'top' && measure.k > classes) {
    throw new RadinError('CONFIG', `Expected a metric for ${classes} classes but found ${name}`);
  }
}
