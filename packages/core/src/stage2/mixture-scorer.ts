import type { PoolLogits } from '../logits/index.js';
import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import type { EnsembleScores } from '../sampler/index.js';
import type { Ranking, RankOptions } from '../stage1/index.js';

/**
 * What a recipe asks of the split by which it chooses. `SplitScorer` evaluates the soups; who has evaluated them before can
 * answer from memory.
 */
export interface MixtureScorer {
  /** N. */
  readonly poolSize: number;
  /** The cached logits of all models. */
  cache(options?: CallOptions): Promise<PoolLogits>;
  /** Score of each mixture's averaged logits (RADIN, Eq. 3). */
  approxScores(mixtures: readonly Mixture[], options?: CallOptions): Promise<Float64Array>;
  /** Candidates as a sampler proposes them, in the order of stage 1. */
  rank(options: RankOptions): Promise<Ranking>;
  /** What samplers may ask of the cached logits. */
  ensemble(options?: CallOptions): Promise<EnsembleScores>;
  /** Exact score of each single model, from the cached logits. */
  individualScores(options?: CallOptions): Promise<Float64Array>;
  /** Real score of each mixture's soup. */
  scores(mixtures: readonly Mixture[], options?: CallOptions): Promise<number[]>;
}
