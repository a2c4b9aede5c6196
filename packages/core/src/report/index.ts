export type { ChoiceReport, ChoiceStatistics } from './choice-report.js';
export { type ComparisonReport, comparisonReport, comparisonText } from './comparison-report.js';
export { describeCandidate, describeMixture } from './described.js';
export { type Explanation, type ExplanationReport, explanationReport, explanationText } from './explanation-report.js';
export { formatGain, formatScore } from './format-score.js';
export { type GreedyOutcome, type GreedyReport, greedyReport, greedyText } from './greedy-report.js';
export {
  type EstimateFacts,
  type RunFacts,
  type SearchOutcome,
  type SearchReport,
  searchReport,
  searchText,
} from './search-report.js';
export { type SoupReason, soupReasons } from './soup-reasons.js';
export { alignColumns } from './table.js';
