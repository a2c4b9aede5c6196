export { approxScores, checkMetric } from './approx-score.js';
export type { Candidate } from './candidate.js';
export { rankCandidates, selectBest, withPrior } from './rank.js';
