import { RadinError } from '../errors/index.js';
import { LostEvaluation } from '../evaluator/index.js';
import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import type { Candidate } from '../stage1/index.js';
import type { MixtureScorer } from './mixture-scorer.js';

/**
 * The first `budget` candidates with the real scores of their soups, or with `failed` where the evaluation was lost: as many full
 * evaluations (RADIN, Recipe 2).
 */
export async function evaluateTop(
  scorer: MixtureScorer,
  ranked: readonly Candidate[],
  budget: number,
  options: CallOptions = {},
): Promise<Candidate[]> {
  checkBudget(budget);
  const top = ranked.slice(0, budget);
  try {
    const scores = await scorer.scores(
      top.map(({ mixture }) => mixture),
      options,
    );
    return top.map((candidate, index) => ({ ...candidate, score: scores[index] as number }));
  } catch (error) {
    unlessLost(error);
  }
  // One by one: what was evaluated, or lost, is known.
  const found: Candidate[] = [];
  for (const candidate of top) {
    found.push({ ...candidate, ...(await scoreUnlessLost(scorer, candidate.mixture, options.signal)) });
  }
  return found;
}

/** Real score of one soup, or why there is none. */
export async function scoreUnlessLost(
  scorer: MixtureScorer,
  mixture: Mixture,
  signal?: AbortSignal,
): Promise<{ readonly score: number } | { readonly failed: string }> {
  try {
    const [score] = (await scorer.scores([mixture], signal ? { signal } : {})) as [number];
    return { score };
  } catch (error) {
    return unlessLost(error);
  }
}

/** For a method that goes on without a soup whose evaluation is lost. @throws any other error */
export function unlessLost(error: unknown): { readonly failed: string } {
  if (error instanceof LostEvaluation) return { failed: error.message };
  throw error;
}

/** @throws RadinError unless B is an integer ≥ 1 */
export function checkBudget(budget: number): void {
  if (Number.isInteger(budget) && budget >= 1) return;
  throw new RadinError('CONFIG', `Expected a budget of at least 1 evaluation but found ${budget}`);
}
