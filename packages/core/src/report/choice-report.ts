import type { Metric } from '../metric/index.js';
import { CONFIDENCE, type PairedComparison, type SplitStatistics } from '../recipes/index.js';
import type { Interval } from '../statistics/index.js';
import { formatGain, formatPValue, formatScore, pValueText } from './format.js';

/** How far the scores of a choice can be trusted; the other mixture of each split is the best individual. */
export interface ChoiceStatistics {
  readonly validation: SplitStatistics;
  readonly test?: SplitStatistics;
  /** Of samples that no choice has seen. */
  readonly heldOut?: SplitStatistics;
  /** Expected excess of the validation score of the best of the evaluated candidates; not there for cross-entropy. */
  readonly winnersCurse?: number;
}

/** What one split says of the choice, in the words of `result.json`. */
interface SplitReport {
  readonly samples: number;
  /** Wilson's. */
  readonly interval: Interval;
  readonly versusBestIndividual: Omit<PairedComparison, 'onlyFirst' | 'onlySecond'> & {
    /** Samples that only the soup gets right, and only the best individual. */
    readonly onlyBest: number;
    readonly onlyBestIndividual: number;
  };
}

/** The keys of `result.json` that say how far its scores can be trusted. */
export interface ChoiceReport {
  /** Absent for cross-entropy. */
  readonly statistics?: {
    readonly confidence: number;
    readonly winnersCurse: number;
    readonly validation: SplitReport;
    readonly test?: SplitReport;
  };
  /** Where samples were held out. */
  readonly holdout?: Partial<SplitReport> & {
    readonly samples: number;
    readonly score: number;
    readonly bestIndividualScore: number;
  };
}

export function choiceReport({ validation, test, heldOut, winnersCurse }: ChoiceStatistics): ChoiceReport {
  const [chosen, tested, unseen] = [splitReport(validation), splitReport(test), splitReport(heldOut)];
  return {
    ...(chosen &&
      winnersCurse !== undefined && {
        statistics: { confidence: CONFIDENCE, winnersCurse, validation: chosen, ...(tested && { test: tested }) },
      }),
    ...(heldOut && {
      holdout: {
        samples: heldOut.samples,
        score: heldOut.score,
        bestIndividualScore: heldOut.otherScore,
        ...unseen,
      },
    }),
  };
}

function splitReport(split: SplitStatistics | undefined): SplitReport | undefined {
  if (split?.interval === undefined || split.versusOther === undefined) return undefined;
  const { onlyFirst, onlySecond, ...tests } = split.versusOther;
  return {
    samples: split.samples,
    interval: split.interval,
    versusBestIndividual: { onlyBest: onlyFirst, onlyBestIndividual: onlySecond, ...tests },
  };
}

/** The same in at most three lines of text. */
export function choiceText({ statistics, holdout }: ChoiceReport, metric: Metric): string[] {
  const lines: string[] = [];
  if (statistics !== undefined) {
    const { confidence, winnersCurse, validation, test } = statistics;
    const both = (say: (split: SplitReport) => string) =>
      `validation ${say(validation)}${test === undefined ? '' : `   test ${say(test)}`}`;
    lines.push(
      `${100 * confidence} % interval ${both(({ interval }) => formatInterval(interval))}`,
      `McNemar's p   ${both(({ versusBestIndividual }) => formatPValue(versusBestIndividual.pValue))}   winner's curse ${formatGain(winnersCurse, metric)}`,
    );
  }
  if (holdout !== undefined) {
    const { samples, score, bestIndividualScore, versusBestIndividual } = holdout;
    const tested = versusBestIndividual === undefined ? '' : `   ${pValueText(versusBestIndividual.pValue)}`;
    lines.push(
      `held out      ${formatScore(score, metric)}   single ${formatScore(bestIndividualScore, metric)}${tested}   ${samples} samples`,
    );
  }
  return lines;
}

function formatInterval({ lower, upper }: Interval): string {
  return `${(100 * lower).toFixed(2)}–${(100 * upper).toFixed(2)} %`;
}
