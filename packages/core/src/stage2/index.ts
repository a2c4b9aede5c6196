export { checkBudget, evaluateTop } from './evaluate-top.js';
export { type GapHyperparameters, GapModel, type GapModelOptions, pairedVariance } from './gap-model.js';
export { SplitScorer } from './split-scorer.js';
