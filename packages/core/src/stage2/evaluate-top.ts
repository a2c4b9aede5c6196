import { RadinError } from '../errors/index.js';
import type { CallOptions } from '../progress.js';
import type { Candidate } from '../stage1/index.js';
import type { MixtureScorer } from './mixture-scorer.js';

/** The first `budget` candidates with the real scores of their soups: as many full evaluations (RADIN, Recipe 2). */
export async function evaluateTop(
  scorer: MixtureScorer,
  ranked: readonly Candidate[],
  budget: number,
  options: CallOptions = {},
): Promise<(Candidate & { readonly score: number })[]> {
  checkBudget(budget);
  const top = ranked.slice(0, budget);
  const scores = await scorer.scores(
    top.map(({ mixture }) => mixture),
    options,
  );
  return top.map((candidate, index) => ({ ...candidate, score: scores[index] as number }));
}

/** @throws RadinError unless B is an integer ≥ 1 */
export function checkBudget(budget: number): void {
  if (Number.isInteger(budget) && budget >= 1) return;
  throw new RadinError('CONFIG', `Expected a budget of at least 1 evaluation but found ${budget}`);
}
