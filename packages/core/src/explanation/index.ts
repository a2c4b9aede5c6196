export {
  type EnsembleExplanation,
  type EnsembleExplanationOptions,
  explainEnsemble,
  leastSecondsToExplain,
} from './ensemble-explanation.js';
export type { Inclusion } from './inclusion.js';
export type { PairInteraction } from './sampled-interactions.js';
export { type SoupFacts, soupFacts, soupLoses } from './soup-facts.js';
export { type IngredientValue, soupLeaveOneOut } from './soup-leave-one-out.js';
