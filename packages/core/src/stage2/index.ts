export { checkBudget, evaluateTop } from './evaluate-top.js';
export { SplitScorer } from './split-scorer.js';
