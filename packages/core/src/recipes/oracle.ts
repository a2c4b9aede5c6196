import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { rankCandidates } from '../stage1/index.js';
import { evaluateTop, type MixtureScorer } from '../stage2/index.js';
import type { SearchResult } from './result.js';
import { bestUnlessLost, failureNotices } from './scored.js';

/**
 * The candidate whose soup scores highest on the *test* split (RADIN, Table 1): cheating by design, an upper reference
 * for methods that choose among the same candidates. Evaluates every candidate on the test split.
 * @param test the scorer of the test split; every score of the result is a test score
 */
export async function oracle(
  test: MixtureScorer,
  mixtures: readonly Mixture[],
  options: CallOptions = {},
): Promise<SearchResult> {
  const ranked = rankCandidates(mixtures, await test.approxScores(mixtures, options), 0);
  const candidates = await evaluateTop(test, ranked, ranked.length, options);
  return {
    method: 'oracle',
    best: await bestUnlessLost(test, candidates, options),
    candidates,
    scored: candidates.length,
    evaluations: candidates.length,
    notices: failureNotices(candidates),
  };
}
