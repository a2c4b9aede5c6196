import type { StoppableOptions } from '../progress.js';
import type { EstimateChoice, ProposalOptions } from '../sampler/index.js';
import { type Candidate, selectBest } from '../stage1/index.js';
import { checkBudget, evaluateTop, type MixtureScorer, type Raced } from '../stage2/index.js';
import { anySignal, unlessStopped } from '../stop.js';
import { bestIndividual } from './baselines.js';
import { curveOf } from './curve.js';
import type { SearchResult } from './result.js';
import { failureNotices, hasScore, rankSingles } from './scored.js';

export interface RadinOptions extends ProposalOptions, StoppableOptions {
  /** B ≥ 1, the number of full evaluations that are allowed. */
  readonly budget: number;
  /** λ ≥ 0, the prior for larger subsets (RADIN, Eq. 4); it orders stage 1 and has no say in stage 2. */
  readonly lambda: number;
  /** What orders stage 1. Default: the metric of the averaged logits, as in the paper. */
  readonly estimate?: EstimateChoice;
  /** Evaluates the best B candidates, as `raceTop` does. Left out: full passes, whose scores all recipes share. */
  readonly evaluate?: (ranked: readonly Candidate[], budget: number, options: StoppableOptions) => Promise<Raced>;
}

/** Candidates that a result lists at least, as far as there are so many. */
export const LISTED = 1000;

/**
 * RADIN, Recipe 2: rank the candidates by the score of their averaged logits, evaluate the soups of the best B, return
 * the best by its real score. Cost: N passes for the logits (once per scorer) and at most B evaluations, of which a race
 * stops those that can no longer win. Stopped by `stop`, which ends the ranking and `evaluate` early but not the N passes, it
 * returns the best of the soups that are wholly evaluated, or the best individual where none of them is better.
 */
export async function radin(scorer: MixtureScorer, options: RadinOptions): Promise<SearchResult> {
  checkBudget(options.budget);
  const { budget, evaluate, signal, stop } = options;
  const method = options.lambda > 0 ? 'radin-prior' : 'radin';
  const rankOptions = { ...options, ...anySignal(signal, stop), keep: Math.max(LISTED, budget) };
  await scorer.cache(options);
  const ranking = await unlessStopped(stop, () => scorer.rank(rankOptions));
  if (ranking === undefined) return { ...(await bestIndividual(scorer, options)), method, interrupted: true };
  const { candidates, scored, notices } = ranking;
  const raced: Partial<Raced> & Pick<Raced, 'candidates'> = evaluate
    ? await evaluate(candidates, budget, options)
    : { candidates: await evaluateTop(scorer, candidates, budget, options) };
  const finished = raced.candidates.filter(hasScore);
  const fallback =
    raced.interrupted || finished.length === 0 ? [selectBest(rankSingles(await scorer.individualScores(options)))] : [];
  return {
    method,
    best: selectBest([...finished, ...fallback]),
    candidates: [...raced.candidates, ...candidates.slice(raced.candidates.length)],
    scored,
    evaluations: raced.candidates.filter(wasEvaluated).length,
    ...(raced.passes !== undefined && { passes: raced.passes }),
    // A race stops soups by the best of all B, so it does not tell which was the best of fewer.
    ...(finished.length === raced.candidates.length && { curve: curveOf(finished) }),
    ...(raced.interrupted && { interrupted: true }),
    notices: [...notices, ...failureNotices(raced.candidates)],
  };
}

function wasEvaluated({ score, scoreAtMost, failed }: Candidate): boolean {
  return score !== undefined || scoreAtMost !== undefined || failed !== undefined;
}
