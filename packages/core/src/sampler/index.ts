export { exhaustive } from './exhaustive.js';
export { monteCarlo } from './monte-carlo.js';
export { type ProposalOptions, proposeCandidates, SAMPLERS } from './propose.js';
export type { Sampler } from './sampler.js';
export { subsets } from './subsets.js';
