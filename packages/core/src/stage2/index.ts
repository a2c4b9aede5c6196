export { checkBudget, evaluateTop } from './evaluate-top.js';
export type { MixtureScorer } from './mixture-scorer.js';
export { SplitScorer } from './split-scorer.js';
