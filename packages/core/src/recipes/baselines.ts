import { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { rankCandidates, selectBest } from '../stage1/index.js';
import { evaluateTop, type MixtureScorer } from '../stage2/index.js';
import type { SearchResult } from './result.js';
import { bestUnlessLost, failureNotices, rankSingles } from './scored.js';

/** The single model with the highest score; among equals the first in the pool. Costs no evaluation beyond the N passes. */
export async function bestIndividual(scorer: MixtureScorer, options: CallOptions = {}): Promise<SearchResult> {
  const candidates = rankSingles(await scorer.individualScores(options));
  return {
    method: 'best-individual',
    best: selectBest(candidates),
    candidates,
    scored: candidates.length,
    evaluations: 0,
    notices: [],
  };
}

/** The soup of all models, p_k = 1/N; the best individual where its evaluation is lost. One evaluation. */
export async function uniformSoup(scorer: MixtureScorer, options: CallOptions = {}): Promise<SearchResult> {
  const mixtures = [uniform(scorer)];
  const ranked = rankCandidates(mixtures, await scorer.approxScores(mixtures, options), 0);
  const candidates = await evaluateTop(scorer, ranked, 1, options);
  return {
    method: 'uniform',
    best: await bestUnlessLost(scorer, candidates, options),
    candidates,
    scored: candidates.length,
    evaluations: 1,
    notices: failureNotices(candidates),
  };
}

/**
 * The averaged logits of all models as a predictor: N times the inference cost of a soup, and what soups try to reach.
 * Its score is that of the predictor; no soup is evaluated.
 */
export async function logitEnsemble(scorer: MixtureScorer, options: CallOptions = {}): Promise<SearchResult> {
  const mixtures = [uniform(scorer)];
  const [candidate] = rankCandidates(mixtures, await scorer.approxScores(mixtures, options), 0);
  if (candidate === undefined) throw new RangeError('Expected a pool of at least one model but received none');
  const best = { ...candidate, score: candidate.approxScore };
  return { method: 'logit-ensemble', best, candidates: [best], scored: 1, evaluations: 0, notices: [] };
}

function uniform({ poolSize }: MixtureScorer): Mixture {
  return Mixture.uniform(poolSize, [...Array(poolSize).keys()]);
}
