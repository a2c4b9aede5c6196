import { MOST_MODELS_FOR_ALL_SUBSETS } from '@radin/native';
import type { Metric } from '../metric/index.js';
import type { CallOptions } from '../progress.js';
import { exhaustive, type ProposalOptions, proposeCandidates } from '../sampler/index.js';
import type { ApproxScorer } from './approx-scorer.js';
import type { Candidate } from './candidate.js';
import { rankCandidates } from './rank.js';

export interface RankOptions extends ProposalOptions, CallOptions {
  /** λ ≥ 0, the prior for larger subsets (RADIN, Eq. 4). */
  readonly lambda: number;
  /** How many of the candidates to return, where there are too many to list them all. */
  readonly keep: number;
}

/** Candidates in the order of stage 1. */
export interface Ranking {
  /** The first of them: all, or at least `keep` where all subsets were scored. */
  readonly candidates: readonly Candidate[];
  /** How many were scored. */
  readonly scored: number;
  /** What the user should know about the candidates. */
  readonly notices: readonly string[];
}

/** Refuses before the passes over the pool what could not be ranked after them. @throws RadinError */
export function checkProposal(poolSize: number, options: ProposalOptions, metric: Metric): void {
  const { sampler, includeUniform } = options;
  const scoresAll = metric.measure.kind === 'top' && poolSize <= MOST_MODELS_FOR_ALL_SUBSETS;
  if (sampler === exhaustive && scoresAll && (includeUniform || poolSize > 1)) return;
  proposeCandidates(poolSize, options);
}

/** Proposes candidates, scores and ranks them. All subsets are scored without being listed where the metric allows it. */
export async function rankProposal(
  poolSize: number,
  options: RankOptions,
  scorer: () => Promise<ApproxScorer>,
): Promise<Ranking> {
  const { sampler, includeUniform, lambda, keep } = options;
  if (sampler === exhaustive) {
    const opened = await scorer();
    // A pool of one model whose only subset is left out has no candidate, which the sampler's refusal says.
    if (opened.canScoreAllSubsets && (includeUniform || poolSize > 1)) {
      // The uniform soup is one of all subsets, and may be among the best.
      const best = await opened.bestSubsets(includeUniform ? keep : keep + 1, lambda, options);
      const candidates = includeUniform ? best : best.filter(({ mixture }) => mixture.size < poolSize);
      return {
        candidates: candidates.slice(0, keep).map((candidate, index) => ({ ...candidate, rank: index + 1 })),
        scored: 2 ** poolSize - (includeUniform ? 1 : 2),
        notices: [],
      };
    }
  }
  const { mixtures, notices } = proposeCandidates(poolSize, options);
  const scores = await (await scorer()).scores(mixtures, options);
  return { candidates: rankCandidates(mixtures, scores, lambda), scored: mixtures.length, notices };
}
