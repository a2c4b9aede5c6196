import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import type { WeightGeometry } from '../pool/index.js';
import type { CallOptions } from '../progress.js';
import type { EnsembleScores } from '../sampler/index.js';
import { GapModel } from './gap-model.js';

/**
 * What a soup loses against its ensemble before any soup has told: 0.02 of accuracy for a weight variance of one median squared
 * distance, which is what keeps diverged models out at B = 1, and 0.3 of what its ingredients are behind the best single
 * model on average. On the five pools of tools/pools half of the first and none of the second change mean scores by less than
 * 0.1 points at any budget; without the first, one evaluation on the pool with diverged models scores 1.4 points less, with
 * 2.5 times the first or 3 times the second 0.3 less on average.
 */
const LOSS_PER_VARIANCE = 0.02;
const LOSS_PER_DEFICIT = 0.3;

/** Gaps to be expected, for scores that are fractions and for nats; the most probable size is found from the evaluations. */
const GAP_SCALE: Readonly<Record<Metric['unit'], number>> = { fraction: 0.03, nats: 0.1 };

/** Samples by which a smooth function of the weights and a count may differ: one standard deviation. */
const COUNT_NOISE = 2;

/** A mixture and what is known of its soup without evaluating it. */
export interface Estimated {
  readonly mixture: Mixture;
  /** Score of the averaged logits (RADIN, Eq. 3). */
  readonly approxScore: number;
  /** The same less what its soup is expected to lose before any soup was evaluated. */
  readonly priorScore: number;
}

/**
 * Scores of soups as they are to be expected: the score of the ensemble, less a loss that grows with the spread of the
 * ingredients' weights and with how far these are behind the best model, plus what a `GapModel` has learned from the soups
 * that were evaluated. Exact for single models.
 */
export class SoupEstimate {
  readonly #ensemble: EnsembleScores;
  readonly #geometry: WeightGeometry;
  readonly #individual: Float64Array;
  readonly #bestIndividual: number;
  /** Squared distance of two models, the median. */
  readonly #unit: number;
  readonly #scale: number;
  readonly #gaps: GapModel;

  /** @param individual scores of the single models, length N */
  constructor(ensemble: EnsembleScores, geometry: WeightGeometry, individual: Float64Array) {
    this.#ensemble = ensemble;
    this.#geometry = geometry;
    this.#individual = individual;
    this.#bestIndividual = individual.reduce((best, score) => Math.max(best, score), Number.NEGATIVE_INFINITY);
    this.#unit = geometry.medianDistance ** 2 || 1;
    this.#scale = GAP_SCALE[ensemble.metric.unit];
    this.#gaps = new GapModel(geometry, { scale: this.#scale });
  }

  /** One call of stage 1 for all mixtures. */
  async of(mixtures: readonly Mixture[], { signal }: CallOptions = {}): Promise<Estimated[]> {
    const scores = await this.#ensemble.scores(mixtures, 'metric', signal);
    return mixtures.map((mixture, index) => {
      const approxScore = scores[index] as number;
      return { mixture, approxScore, priorScore: approxScore - this.#expectedLoss(mixture) };
    });
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
    if (ingredients.length === 1) return 0;
    const deficit = ingredients.reduce(
      (sum, k) => sum + (weights[k] as number) * (this.#bestIndividual - (this.#individual[k] as number)),
      0,
    );
    const perVariance = LOSS_PER_VARIANCE * (this.#scale / GAP_SCALE.fraction);
    return (perVariance * this.#geometry.variance(weights)) / this.#unit + LOSS_PER_DEFICIT * deficit;
  }
}
