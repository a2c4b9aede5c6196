export { secondsToScore } from './effort.js';
export type { Criterion, EnsembleScores, LossAt, Margins, SimplexLoss } from './ensemble-scores.js';
export {
  DEFAULT_SMOOTHING,
  ESTIMATE_NAMES,
  type Estimate,
  type EstimateChoice,
  type EstimateName,
  isMetric,
} from './estimate.js';
export { exhaustive } from './exhaustive.js';
export { monteCarlo } from './monte-carlo.js';
export { neighbours } from './neighbours.js';
export { checkSamplers, type Proposal, type ProposalOptions, proposeCandidates, SAMPLERS } from './propose.js';
export { reweightings } from './reweightings.js';
export type { Sampler, SamplerContext } from './sampler.js';
export { breakTie } from './scored.js';
export { minimiseOnSimplex } from './simplex-newton.js';
export { subsets } from './subsets.js';
