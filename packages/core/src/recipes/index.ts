export { ADAPTIVE_SAMPLERS, type AdaptiveOptions, adaptive } from './adaptive.js';
export { bestIndividual, logitEnsemble, uniformSoup } from './baselines.js';
export {
  CONFIDENCE,
  estimateWinnersCurse,
  type PairedComparison,
  type SplitStatistics,
  splitStatistics,
} from './choice-statistics.js';
export { type CompareOptions, type ComparisonRow, compare, compareOnTest } from './compare.js';
export type { RowSplitStatistics, RowStatistics } from './comparison-statistics.js';
export type { CurvePoint } from './curve.js';
export { type GreedyOptions, greedySoup } from './greedy-soup.js';
export { lossOfEverySoup } from './lost-soups.js';
export { oracle } from './oracle.js';
export { LISTED, type RadinOptions, radin } from './radin.js';
export type { GreedyStep, Method, SearchResult } from './result.js';
export { rankSingles } from './scored.js';
