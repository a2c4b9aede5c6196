export { checkBudget, evaluateTop } from './evaluate-top.js';
export { type Evaluated, NOT_EVALUATED } from './evaluated.js';
export { type GapHyperparameters, GapModel, type GapModelOptions, pairedVariance } from './gap-model.js';
export type { MixtureScorer } from './mixture-scorer.js';
export { type Outcome, raceToCertainty, raceToTheEnd, type Track } from './race.js';
export { checkRacing, type Raced, type Racing, raceTop } from './race-top.js';
export { SplitScorer } from './split-scorer.js';
export { raceStatistically } from './statistical-race.js';
