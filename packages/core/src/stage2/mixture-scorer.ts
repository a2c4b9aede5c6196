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
  /** Samples per run of the evaluator: parts of a multiple of it waste nothing. */
  readonly batch: number;
  /** Whether a soup is always evaluated on all samples, since some cost as much, or since tokens are scored. */
  readonly wholeOnly?: boolean;
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
  /** The mixture's soup, for an evaluation in parts. */
  openSoupInParts(mixture: Mixture, options?: CallOptions): Promise<SoupInParts>;
  /** Keeps what was found in parts; without a score, `correct` may have samples that are `NOT_EVALUATED`. */
  record(mixture: Mixture, score: number | undefined, correct: Uint8Array | undefined): void;
}

/** A soup that can be evaluated on some of the samples until it is closed. */
export interface SoupInParts {
  /** What the soup gets on each of the parts, which are indices of samples. They are evaluated in one go and batched in their order. */
  measure(parts: readonly Uint32Array[], options?: CallOptions): Promise<MeasuredPart[]>;
  close(): Promise<void>;
}

export interface MeasuredPart {
  /** What was got on the part (`PartTotals`). */
  readonly total: number;
  /** 1 for each sample of the part that is right, else 0; absent where none is right or wrong. */
  readonly correct?: Uint8Array;
}
