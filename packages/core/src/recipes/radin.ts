import type { CallOptions } from '../progress.js';
import type { EstimateChoice, ProposalOptions } from '../sampler/index.js';
import { type Candidate, selectBest } from '../stage1/index.js';
import { checkBudget, evaluateTop, type MixtureScorer, type Raced } from '../stage2/index.js';
import type { SearchResult } from './result.js';

export interface RadinOptions extends ProposalOptions, CallOptions {
  /** B ≥ 1, the number of full evaluations that are allowed. */
  readonly budget: number;
  /** λ ≥ 0, the prior for larger subsets (RADIN, Eq. 4); it orders stage 1 and has no say in stage 2. */
  readonly lambda: number;
  /** What orders stage 1. Default: the metric of the averaged logits, as in the paper. */
  readonly estimate?: EstimateChoice;
  /** Evaluates the best B candidates, as `raceTop` does. Left out: full passes, whose scores all recipes share. */
  readonly evaluate?: (ranked: readonly Candidate[], budget: number, options: CallOptions) => Promise<Raced>;
}

/** Candidates that a result lists at least, as far as there are so many. */
export const LISTED = 1000;

/**
 * RADIN, Recipe 2: rank the candidates by the score of their averaged logits, evaluate the soups of the best B, return
 * the best by its real score. Cost: N passes for the logits (once per scorer) and at most B evaluations, of which a race
 * stops those that can no longer win.
 */
export async function radin(scorer: MixtureScorer, options: RadinOptions): Promise<SearchResult> {
  checkBudget(options.budget);
  const { candidates, scored, notices } = await scorer.rank({ ...options, keep: Math.max(LISTED, options.budget) });
  const { budget, evaluate } = options;
  const raced: Partial<Raced> & Pick<Raced, 'candidates'> = evaluate
    ? await evaluate(candidates, budget, options)
    : { candidates: await evaluateTop(scorer, candidates, budget, options) };
  return {
    method: options.lambda > 0 ? 'radin-prior' : 'radin',
    best: selectBest(raced.candidates.filter(hasScore)),
    candidates: [...raced.candidates, ...candidates.slice(raced.candidates.length)],
    scored,
    evaluations: raced.candidates.length,
    ...(raced.passes !== undefined && { passes: raced.passes }),
    notices,
  };
}

function hasScore(candidate: Candidate): candidate is Candidate & { readonly score: number } {
  return candidate.score !== undefined;
}
