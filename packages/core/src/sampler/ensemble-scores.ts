import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import type { Estimate, EstimateChoice } from './estimate.js';

/** What a sampler climbs: the metric that soups are chosen by, or the cross-entropy, which tells apart what accuracy ties. */
export type Criterion = 'metric' | 'cross-entropy';

/** Cross-entropy of averaged logits, a mean over the samples in nats, with its derivatives by the mixing weights. */
export interface LossAt {
  readonly loss: number;
  /** ∂loss/∂p_k for every k, also where p_k = 0; not projected to Σ p = 1. */
  readonly gradient: Float64Array;
}

/** A loss at many points of the simplex of `models` weights at once: one pass over the logits for all of them. */
export interface SimplexLoss {
  readonly models: number;
  at(points: readonly Float64Array[], signal?: AbortSignal): Promise<LossAt[]>;
}

/**
 * What decides the samples: for sample m, the rows [first[m], first[m + 1]) are the classes that some model prefers to the
 * label, and row r holds d_k = ŷ_k[class] − ŷ_k[label] of all models. A uniform subset S gets the sample right exactly if
 * Σ_S d_k > 0 in fewer than `top` of its rows; sums within ± `slack[r]` of 0 are for the exact count to decide.
 */
export interface Margins {
  readonly top: number;
  readonly first: Int32Array;
  /** Shape [N, R]. */
  readonly differences: Float32Array;
  /** Shape [R]. */
  readonly slack: Float32Array;
  /** Samples without rows: those that every mixture gets right, and those for which there was no room. */
  readonly withoutRows: number;
  /** Whether there was room for all. */
  readonly complete: boolean;
}

/** Stage 1 as samplers see it: scores of averaged cached logits (RADIN, Eq. 3). Every answer has the same bits on every backend. */
export interface EnsembleScores {
  readonly poolSize: number;
  readonly samples: number;
  readonly classes: number;
  readonly metric: Metric;
  /** One score per mixture, higher is better: the metric's, or minus the mean cross-entropy in nats. One pass for all. */
  scores(mixtures: readonly Mixture[], criterion: Criterion, signal?: AbortSignal): Promise<Float64Array>;
  /**
   * Correct samples of every uniform subset, index = bit mask, [2^N]; index 0 means nothing. There where the metric counts
   * samples and N ≤ 24.
   */
  readonly subsetCounts?: (signal?: AbortSignal) => Promise<Uint32Array>;
  /** Cross-entropy of Σ p_k ŷ_k, convex in p. */
  readonly crossEntropy: SimplexLoss;
  /**
   * Cross-entropy of `scale` · Σ p_k ŷ_k with Σ p_k ≤ 1: the simplex has one more weight, the last, of a model whose logits
   * are all 0. Takes a copy of the logits, of every j-th sample where all would take more than `most` numbers.
   */
  scaledCrossEntropy(scale: number, most: number, signal?: AbortSignal): Promise<SimplexLoss>;
  /** Opens an estimate other than the samplers' criteria. @throws RadinError for logits or files as the scores do */
  estimate(choice: EstimateChoice, signal?: AbortSignal): Promise<Estimate>;
  /** The margins of the metric's top-k, with at most `most` differences. @throws RangeError for other metrics */
  margins(most: number, signal?: AbortSignal): Promise<Margins>;
  /** The same on these samples only, of which it takes a copy of the logits until it is closed. */
  onSamples(samples: Uint32Array, signal?: AbortSignal): Promise<{ readonly ensemble: EnsembleScores; close(): void }>;
}
