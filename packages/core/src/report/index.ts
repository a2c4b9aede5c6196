export type { BatchNormReport } from './batch-norm-report.js';
export type { ChoiceReport, ChoiceStatistics } from './choice-report.js';
export {
  COMPARISON_SCHEMA,
  type ComparisonFacts,
  type ComparisonOutcome,
  type ComparisonReport,
  comparisonReport,
  comparisonText,
  METHOD_TITLES,
} from './comparison-report.js';
export { describeCandidate, describeMixture } from './described.js';
export { type Explanation, type ExplanationReport, explanationReport, explanationText } from './explanation-report.js';
export { formatBytes, formatGain, formatPValue, formatScore, metricTitle, pValueText, signed } from './format.js';
export { type GreedyOutcome, type GreedyReport, greedyReport, greedyText } from './greedy-report.js';
export type { PoolFindings, PoolReport } from './pool-report.js';
export { printedReport, type RunRecord } from './run-record.js';
export { type ScoringReport, scoringReport } from './scoring-report.js';
export {
  type EstimateFacts,
  poolNouns,
  type RunFacts,
  SEARCH_SCHEMA,
  type SearchOutcome,
  type SearchReport,
  searchReport,
  searchText,
} from './search-report.js';
export { type SoupReason, soupReasons } from './soup-reasons.js';
export { alignColumns } from './table.js';
export { ONNX_SOUP_FILE, SOUP_FILE, type WrittenSoup } from './written-soup.js';
