export { checkBudget, evaluateTop } from './evaluate-top.js';
export { type Evaluated, SplitScorer } from './split-scorer.js';
