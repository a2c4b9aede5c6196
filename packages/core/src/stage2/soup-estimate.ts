import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import type { WeightGeometry } from '../pool/index.js';
import type { CallOptions } from '../progress.js';
import {
  DEFAULT_SMOOTHING,
  type EnsembleScores,
  type Estimate,
  type EstimateChoice,
  isMetric,
} from '../sampler/index.js';
import { GapModel } from './gap-model.js';

/**
 * What a soup loses against its ensemble before any soup has told: 0.01 of accuracy for a weight variance of one median squared
 * distance, which is what keeps diverged models out at B = 1, and 0.3 of what its ingredients are behind the best single
 * model on average. Over the five pools of tools/pools and 6 splits, twice the first gives 0.06 points less at B = 1, on
 * validation and on test, and at most 0.01 more on validation at B = 3 to 25.
 */
const LOSS_PER_VARIANCE = 0.01;
const LOSS_PER_DEFICIT = 0.3;

/** Gaps to be expected, for scores that are fractions and for nats; the most probable size is found from the evaluations. */
const GAP_SCALE = { fraction: 0.03, nats: 0.1 };

/** Of other units, of which only the pool tells how large scores are: what the median model is behind the best. */
function gapScale({ unit }: Metric, individual: Float64Array): number {
  if (unit === 'fraction' || unit === 'nats') return GAP_SCALE[unit];
  const sorted = individual.toSorted();
  const best = sorted.at(-1) as number;
  return best - (sorted[sorted.length >> 1] as number) || GAP_SCALE.fraction * Math.abs(best) || GAP_SCALE.fraction;
}

/**
 * Averaged logits of one call that an estimate is computed from, over all mixtures: for 2,000 samples and 26 classes those of
 * 1,900 mixtures, for 10,000 and 100 those of the fewest, which take 0.2 s on two cores with 200 models. These are the mixtures
 * that the metric, less the expected loss, puts first; the others' estimate is read off the line through theirs.
 */
const MOST_LOGITS = 1e8;
const FEWEST_ESTIMATED = 100;

/** Samples by which a smooth function of the weights and a count may differ: one standard deviation. */
const COUNT_NOISE = 2;

/** An estimate to start from; `composite` is the smoothed accuracy where accuracy is the metric, and the metric where it is another. */
export type SoupEstimateChoice = EstimateChoice | (Omit<EstimateChoice, 'name'> & { readonly name: 'composite' });

/** What an adaptive search starts from unless another is asked for. */
export const COMPOSITE: SoupEstimateChoice = { name: 'composite' };

/** The estimate of logits that a choice stands for, with the smoothing that it uses. */
export function baseOf(choice: SoupEstimateChoice, { measure }: Metric): EstimateChoice {
  const { temperature = 'none', smoothing = DEFAULT_SMOOTHING } = choice;
  const isAccuracy = measure.kind === 'top' && measure.k === 1;
  const name = choice.name !== 'composite' ? choice.name : isAccuracy ? 'smoothed-accuracy' : 'metric';
  return { name, temperature, ...(name === 'smoothed-accuracy' && { smoothing }) };
}

/** A mixture and what is known of its soup without evaluating it. */
export interface Estimated {
  readonly mixture: Mixture;
  /** Score of the averaged logits (RADIN, Eq. 3). */
  readonly approxScore: number;
  /** What the expected score starts from, in the metric's unit, less what its soup is expected to lose before any soup was evaluated. */
  readonly priorScore: number;
}

/**
 * Scores of soups as they are to be expected: an estimate from the cached logits, less a loss that grows with the spread of the
 * ingredients' weights and with how far these are behind the best model, plus what a `GapModel` has learned from the soups
 * that were evaluated. Exact for single models.
 */
export class SoupEstimate {
  readonly #ensemble: EnsembleScores;
  readonly #base: Estimate | undefined;
  /** The line that turns the base into the metric's unit, once there are candidates to fit it to. */
  #line: Line | undefined;
  readonly #geometry: WeightGeometry;
  readonly #individual: Float64Array;
  readonly #bestIndividual: number;
  /** Squared distance of two models, the median. */
  readonly #unit: number;
  readonly #scale: number;
  readonly #gaps: GapModel;

  private constructor(ensemble: EnsembleScores, geometry: WeightGeometry, individual: Float64Array, base?: Estimate) {
    this.#ensemble = ensemble;
    this.#base = base;
    this.#geometry = geometry;
    this.#individual = individual;
    this.#bestIndividual = individual.reduce((best, score) => Math.max(best, score), Number.NEGATIVE_INFINITY);
    this.#unit = geometry.medianDistance ** 2 || 1;
    this.#scale = gapScale(ensemble.metric, individual);
    this.#gaps = new GapModel(geometry, { scale: this.#scale });
  }

  /** @param individual scores of the single models, length N */
  static async open(
    ensemble: EnsembleScores,
    geometry: WeightGeometry,
    individual: Float64Array,
    choice: SoupEstimateChoice = COMPOSITE,
    signal?: AbortSignal,
  ): Promise<SoupEstimate> {
    const base = baseOf(choice, ensemble.metric);
    const opened = isMetric(base) ? undefined : await ensemble.estimate(base, signal);
    return new SoupEstimate(ensemble, geometry, individual, opened);
  }

  /** One call of stage 1 for all mixtures. */
  async of(mixtures: readonly Mixture[], { signal }: CallOptions = {}): Promise<Estimated[]> {
    const scores = await this.#ensemble.scores(mixtures, 'metric', signal);
    const losses = mixtures.map((mixture) => this.#expectedLoss(mixture));
    const bases = await this.#bases(mixtures, scores, losses, signal);
    return mixtures.map((mixture, index) => {
      const approxScore = scores[index] as number;
      const priorScore = mixture.size === 1 ? approxScore : (bases[index] as number) - (losses[index] as number);
      return { mixture, approxScore, priorScore };
    });
  }

  /** What expected scores start from, in the metric's unit. */
  async #bases(
    mixtures: readonly Mixture[],
    scores: Float64Array,
    losses: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<Float64Array> {
    const { samples, classes } = this.#ensemble;
    const most = Math.max(FEWEST_ESTIMATED, Math.floor(MOST_LOGITS / (samples * classes)));
    if (mixtures.length <= most) return this.#inUnitOfMetric(mixtures, scores, signal);
    const prior = (index: number) => (scores[index] as number) - (losses[index] as number);
    const likely = [...mixtures.keys()].sort((a, b) => prior(b) - prior(a) || a - b).slice(0, most);
    const some = Float64Array.from(likely, (index) => scores[index] as number);
    const found = await this.#inUnitOfMetric(
      likely.map((index) => mixtures[index] as Mixture),
      some,
      signal,
    );
    const { slope, offset } = lineThrough(some, found);
    const bases = scores.map((score) => offset + slope * score);
    for (const [at, index] of likely.entries()) bases[index] = found[at] as number;
    return bases;
  }

  async #inUnitOfMetric(
    mixtures: readonly Mixture[],
    scores: Float64Array,
    signal: AbortSignal | undefined,
  ): Promise<Float64Array> {
    if (this.#base === undefined) return scores;
    const base = await this.#base.of(mixtures, signal);
    if (this.#base.unit === this.#ensemble.metric.unit) return base;
    this.#line ??= lineThrough(base, scores);
    const { slope, offset } = this.#line;
    return base.map((value) => offset + slope * value);
  }

  /** Learns from the real score of a soup. */
  observe({ mixture, priorScore }: Estimated, score: number): void {
    const noise = this.#ensemble.metric.unit === 'fraction' ? COUNT_NOISE / this.#ensemble.samples : 0;
    this.#gaps.observe(mixture, score - priorScore, noise ** 2);
  }

  /** The real scores to be expected. Costs what `GapModel.predict` does. */
  predict(estimated: readonly Estimated[]): Float64Array {
    const { mean } = this.#gaps.predict(estimated.map(({ mixture }) => mixture));
    return mean.map((gap, index) => (estimated[index] as Estimated).priorScore + gap);
  }

  #expectedLoss({ ingredients, weights }: Mixture): number {
    const deficit = ingredients.reduce(
      (sum, k) => sum + (weights[k] as number) * (this.#bestIndividual - (this.#individual[k] as number)),
      0,
    );
    const perVariance = LOSS_PER_VARIANCE * (this.#scale / GAP_SCALE.fraction);
    return (perVariance * this.#geometry.variance(weights)) / this.#unit + LOSS_PER_DEFICIT * deficit;
  }
}

interface Line {
  readonly slope: number;
  readonly offset: number;
}

/** Least squares of y on x, never falling. */
function lineThrough(x: Float64Array, y: Float64Array): Line {
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const [meanX, meanY] = [mean(x), mean(y)];
  let [square, product] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const distance = (x[i] as number) - meanX;
    square += distance * distance;
    product += distance * ((y[i] as number) - meanY);
  }
  const slope = square > 0 ? Math.max(0, product / square) : 0;
  return { slope, offset: meanY - slope * meanX };
}
