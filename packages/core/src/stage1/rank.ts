import type { Mixture } from '../mixture/index.js';
import { breakTie } from '../sampler/index.js';
import type { Candidate } from './candidate.js';

/**
 * RADIN, Eq. 4 as it is meant: the approximate score plus λ for each ingredient. The paper prints a loss to which the
 * number of models is added; its intent, to favour larger subsets, needs the sign of a score that is maximised.
 */
export function withPrior(approxScore: number, size: number, lambda: number): number {
  return approxScore + lambda * size;
}

/**
 * Candidates in the order of stage 1. A total order: score with prior, then larger size, then the mixture's key, so that
 * equal scores (accuracies are counts, many are equal) come in the same order everywhere.
 * @param estimates what to order by instead of the scores; λ is then in their unit
 */
export function rankCandidates(
  mixtures: readonly Mixture[],
  approxScores: Float64Array,
  lambda: number,
  estimates?: Float64Array,
): Candidate[] {
  return mixtures
    .map((mixture, index) => {
      const approxScore = approxScores[index] as number;
      const estimate = estimates?.[index];
      const prior = withPrior(estimate ?? approxScore, mixture.size, lambda);
      return { mixture, approxScore, ...(estimate !== undefined && { estimate }), prior };
    })
    .sort((a, b) => b.prior - a.prior || breakTie(a.mixture, b.mixture))
    .map(({ prior: _, ...candidate }, index) => ({ ...candidate, rank: index + 1 }));
}

/** The best evaluated candidate: by real score without the prior, ties as in stage 1. */
export function selectBest<T extends Candidate & { readonly score: number }>(candidates: readonly T[]): T {
  return candidates.reduce((best, candidate) =>
    (candidate.score - best.score || breakTie(best.mixture, candidate.mixture)) > 0 ? candidate : best,
  );
}
