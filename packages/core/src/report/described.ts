import type { Mixture } from '../mixture/index.js';
import type { Candidate } from '../stage1/index.js';

/** A mixture as users read it: ids of its ingredients and, in the same order, their weights. */
export interface DescribedMixture {
  readonly models: readonly string[];
  readonly weights: readonly number[];
}

export interface DescribedCandidate extends DescribedMixture {
  readonly approxScore: number;
  /** The estimate that ordered stage 1, where it is another; in nats or a fraction. */
  readonly estimate?: number;
  readonly rank: number;
  /** Real score on the validation split, where the soup was evaluated, or of a single model. */
  readonly valScore?: number;
  /** The most that it can be, where the evaluation was stopped after `samples` samples because another candidate scores more. */
  readonly valScoreAtMost?: number;
  /** Why there is no score, where the evaluation was lost. */
  readonly failed?: string;
  readonly samples?: number;
}

/** @param ids the pool's model ids, by index */
export function describeMixture({ ingredients, weights }: Mixture, ids: readonly string[]): DescribedMixture {
  return {
    models: ingredients.map((index) => ids[index] as string),
    weights: ingredients.map((index) => weights[index] as number),
  };
}

export function describeCandidate(candidate: Candidate, ids: readonly string[]): DescribedCandidate {
  const { mixture, approxScore, estimate, rank, score, scoreAtMost, failed, samples } = candidate;
  return {
    ...describeMixture(mixture, ids),
    approxScore,
    ...(estimate !== undefined && { estimate }),
    rank,
    ...(score !== undefined && { valScore: score }),
    ...(failed !== undefined && { failed }),
    ...(scoreAtMost !== undefined && { valScoreAtMost: scoreAtMost }),
    ...(samples !== undefined && { samples }),
  };
}
