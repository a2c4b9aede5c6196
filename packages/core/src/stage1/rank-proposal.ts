import { MOST_MODELS_FOR_ALL_SUBSETS } from '@radin/native';
import { RadinError } from '../errors/index.js';
import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import {
  checkSamplers,
  type EstimateChoice,
  exhaustive,
  isMetric,
  type ProposalOptions,
  proposeCandidates,
} from '../sampler/index.js';
import type { ApproxScorer } from './approx-scorer.js';
import type { Candidate } from './candidate.js';
import { rankCandidates } from './rank.js';

export interface RankOptions extends ProposalOptions, CallOptions {
  /** λ ≥ 0, the prior for larger subsets (RADIN, Eq. 4), in the unit of the estimate. */
  readonly lambda: number;
  /** What orders the candidates. Default: the metric of the averaged logits (RADIN, Eq. 3). */
  readonly estimate?: EstimateChoice;
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
export function checkProposal(
  poolSize: number,
  options: ProposalOptions & Pick<RankOptions, 'estimate'>,
  metric: Metric,
): void {
  const scoresAll =
    metric.measure.kind === 'top' && poolSize <= MOST_MODELS_FOR_ALL_SUBSETS && isMetric(options.estimate);
  const listed = scoresAll ? options.samplers.filter((sampler) => sampler !== exhaustive) : options.samplers;
  checkSamplers(poolSize, options, metric, listed);
  if (options.estimate !== undefined) checkEstimate(options.estimate, metric);
}

/** @throws RadinError where the task has no classes, whose probabilities all estimates but the metric are of */
export function checkEstimate({ name, temperature }: EstimateChoice, metric: Metric): void {
  if (!metric.withoutClasses || (name === 'metric' && temperature !== 'per-model')) return;
  throw new RadinError(
    'CONFIG',
    `Expected the estimate "metric" without temperatures for ${metric.name} of a task without classes but found ${name === 'metric' ? '--temperature per-model' : name}`,
  );
}

/** Proposes candidates, scores and ranks them. All subsets are scored without being listed where the metric allows it. */
export async function rankProposal(
  poolSize: number,
  options: RankOptions,
  scorer: () => Promise<ApproxScorer>,
): Promise<Ranking> {
  const { samplers, lambda } = options;
  const opened = await scorer();
  // A pool of one model whose only subset is left out has no candidate, which the proposal's refusal says.
  const scoresAll =
    samplers.includes(exhaustive) &&
    isMetric(options.estimate) &&
    opened.canScoreAllSubsets &&
    (options.includeUniform || poolSize > 1);
  if (!scoresAll) {
    const { mixtures, notices } = await proposeCandidates(poolSize, options, opened.ensemble, options.signal);
    const scores = await opened.scores(mixtures, options);
    const estimates = await estimatesOf(mixtures, options, opened);
    return { candidates: rankCandidates(mixtures, scores, lambda, estimates), scored: mixtures.length, notices };
  }
  const best = await bestOfAll(poolSize, options, opened);
  const others = samplers.filter((sampler) => sampler !== exhaustive);
  const scored = 2 ** poolSize - (options.includeUniform ? 1 : 2);
  if (others.length === 0) return { candidates: best, scored, notices: [] };
  const rest = { ...options, samplers: others, includeUniform: true };
  const proposal = await proposeCandidates(poolSize, rest, opened.ensemble, options.signal);
  // Uniform subsets are among all subsets: those that are not among the best of these rank behind them.
  const weighted = proposal.mixtures.filter(({ uniform }) => !uniform);
  const mixtures = [...best.map(({ mixture }) => mixture), ...weighted];
  const ranked = rankCandidates(mixtures, await opened.scores(mixtures, options), lambda);
  return { candidates: ranked, scored: scored + weighted.length, notices: proposal.notices };
}

/** @returns undefined where they are the scores themselves */
async function estimatesOf(
  mixtures: readonly Mixture[],
  { estimate, signal }: RankOptions,
  scorer: ApproxScorer,
): Promise<Float64Array | undefined> {
  if (estimate === undefined || isMetric(estimate)) return undefined;
  return (await scorer.estimate(estimate, signal)).of(mixtures, signal);
}

/** The first of all subsets in the order of stage 1. */
async function bestOfAll(poolSize: number, options: RankOptions, scorer: ApproxScorer): Promise<Candidate[]> {
  const { includeUniform, lambda, keep } = options;
  // The uniform soup is one of all subsets, and may be among the best.
  const best = await scorer.bestSubsets(includeUniform ? keep : keep + 1, lambda, options);
  const candidates = includeUniform ? best : best.filter(({ mixture }) => mixture.size < poolSize);
  return candidates.slice(0, keep).map((candidate, index) => ({ ...candidate, rank: index + 1 }));
}
