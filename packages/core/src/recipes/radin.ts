import type { CallOptions } from '../progress.js';
import type { ProposalOptions } from '../sampler/index.js';
import { selectBest } from '../stage1/index.js';
import { checkBudget, evaluateTop, type MixtureScorer } from '../stage2/index.js';
import type { SearchResult } from './result.js';

export interface RadinOptions extends ProposalOptions, CallOptions {
  /** B ≥ 1, the number of full evaluations that are allowed. */
  readonly budget: number;
  /** λ ≥ 0, the prior for larger subsets (RADIN, Eq. 4); it orders stage 1 and has no say in stage 2. */
  readonly lambda: number;
}

/** Candidates that a result lists at least, as far as there are so many. */
export const LISTED = 1000;

/**
 * RADIN, Recipe 2: rank the candidates by the score of their averaged logits, evaluate the soups of the best B, return
 * the best by its real score. Cost: N passes for the logits (once per scorer) and at most B evaluations.
 */
export async function radin(scorer: MixtureScorer, options: RadinOptions): Promise<SearchResult> {
  checkBudget(options.budget);
  const { candidates, scored, notices } = await scorer.rank({ ...options, keep: Math.max(LISTED, options.budget) });
  const evaluated = await evaluateTop(scorer, candidates, options.budget, options);
  return {
    method: options.lambda > 0 ? 'radin-prior' : 'radin',
    best: selectBest(evaluated),
    candidates: [...evaluated, ...candidates.slice(evaluated.length)],
    scored,
    evaluations: evaluated.length,
    notices,
  };
}
