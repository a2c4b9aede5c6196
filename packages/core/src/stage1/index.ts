export { ApproxScorer, type ApproxScorerOptions, checkMetric } from './approx-scorer.js';
export type { Candidate } from './candidate.js';
export { outputsAreProbabilities } from './outputs-are-probabilities.js';
export { PoolPredictions, type PoolPredictionsParts } from './pool-predictions.js';
export { rankCandidates, selectBest, withPrior } from './rank.js';
export { checkEstimate, checkProposal, type Ranking, type RankOptions, rankProposal } from './rank-proposal.js';
export { readSamples } from './read-samples.js';
