import type { Metric } from '../metric/index.js';
import type { PairedComparison, SearchResult, SplitStatistics } from '../recipes/index.js';
import { type DescribedMixture, describeMixture } from './described.js';
import { formatGain, formatScore, pValueText } from './format.js';

/** Greedy's soup beside the choice of a search, and both on the same samples, the choice first. */
export interface GreedyOutcome {
  readonly result: SearchResult;
  readonly validation: SplitStatistics;
  readonly test?: SplitStatistics;
}

/** The `greedy` of `result.json`. */
export interface GreedyReport extends DescribedMixture {
  /** Outside the budget of the search. */
  readonly evaluations: number;
  readonly valScore: number;
  readonly testScore?: number;
  /** McNemar's exact test: `onlyFirst` are the samples that only the choice gets right. Absent for cross-entropy. */
  readonly validation?: PairedComparison;
  readonly test?: PairedComparison;
}

export function greedyReport({ result, validation, test }: GreedyOutcome, ids: readonly string[]): GreedyReport {
  return {
    ...describeMixture(result.best.mixture, ids),
    evaluations: result.evaluations,
    valScore: validation.otherScore,
    ...(test && { testScore: test.otherScore }),
    ...(validation.versusOther && { validation: validation.versusOther }),
    ...(test?.versusOther && { test: test.versusOther }),
  };
}

/** The same in two lines of text at most. @param best the choice's scores */
export function greedyText(
  report: GreedyReport,
  best: { readonly valScore?: number; readonly testScore?: number },
  metric: Metric,
): string[] {
  const { valScore, testScore, validation, test, evaluations, models } = report;
  const tested = testScore === undefined ? '' : `   test ${formatScore(testScore, metric)}`;
  const against = (score: number | undefined, other: number | undefined, versus: PairedComparison | undefined) =>
    score === undefined || other === undefined || versus === undefined
      ? undefined
      : `${formatGain(score - other, metric)} (${pValueText(versus.pValue)})`;
  const [chosen, unseen] = [against(best.valScore, valScore, validation), against(best.testScore, testScore, test)];
  return [
    `greedy soup   validation ${formatScore(valScore, metric)}${tested}   ${models.length} models, ${evaluations} evaluations beyond the budget`,
    ...(chosen === undefined
      ? []
      : [`over greedy   validation ${chosen}${unseen === undefined ? '' : `   test ${unseen}`}`]),
  ];
}
