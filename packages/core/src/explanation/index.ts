export { type Disagreement, modelDisagreement } from './disagreement.js';
export {
  type EnsembleExplanation,
  type EnsembleExplanationOptions,
  explainEnsemble,
  leastSecondsToExplain,
} from './ensemble-explanation.js';
export type { Inclusion } from './inclusion.js';
export type { PairInteraction } from './sampled-interactions.js';
export { singleScores } from './single-scores.js';
export { type SoupFacts, soupFacts, soupLoses } from './soup-facts.js';
export { type IngredientValue, soupLeaveOneOut } from './soup-leave-one-out.js';
