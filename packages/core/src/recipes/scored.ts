import { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { type Candidate, rankCandidates, selectBest } from '../stage1/index.js';
import type { MixtureScorer } from '../stage2/index.js';

export type Scored = Candidate & { readonly score: number };

export function hasScore(candidate: Candidate): candidate is Scored {
  return candidate.score !== undefined;
}

/** The single models, best first; their scores are exact in stage 1. @param individual one score per model */
export function rankSingles(individual: Float64Array): Scored[] {
  const singles = Array.from(individual, (_, model) => Mixture.uniform(individual.length, [model]));
  return rankCandidates(singles, individual, 0).map((single) => ({ ...single, score: single.approxScore }));
}

/** The best of the soups that have a score, or the best individual where the evaluations of all were lost. */
export async function bestUnlessLost(
  scorer: MixtureScorer,
  candidates: readonly Candidate[],
  options: CallOptions,
): Promise<Scored> {
  const finished = candidates.filter(hasScore);
  return selectBest(finished.length > 0 ? finished : rankSingles(await scorer.individualScores(options)));
}

/** What the user should know of the soups that a method went on without: one line, if there are any. */
export function failureNotices(found: readonly { readonly failed?: string }[]): string[] {
  const reasons = found.flatMap(({ failed }) => (failed === undefined ? [] : [failed]));
  if (reasons.length === 0) return [];
  const [one] = reasons;
  return reasons.length === 1
    ? [`a soup has no score, since its evaluation was lost: ${one}`]
    : [`${reasons.length} soups have no score, since their evaluations were lost, the first one: ${one}`];
}
