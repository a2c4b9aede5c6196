export { ApproxScorer, type ApproxScorerOptions, checkMetric } from './approx-scorer.js';
export type { Candidate } from './candidate.js';
export { breakTie, rankCandidates, selectBest, withPrior } from './rank.js';
export { checkProposal, type Ranking, type RankOptions, rankProposal } from './rank-proposal.js';
