import type { CallOptions } from '../progress.js';
import type { SplitScorer } from '../stage2/index.js';
import type { Interval } from '../statistics/index.js';
import { type PairedComparison, splitStatistics } from './choice-statistics.js';
import type { SearchResult } from './result.js';

/** What one split says of a row's soup: Wilson's interval, and McNemar's test against two others at the same budget. */
export interface RowSplitStatistics {
  readonly interval: Interval;
  readonly versusBestIndividual: PairedComparison;
  readonly versusGreedy: PairedComparison;
}

/** Of both splits; samples that a choice was made by flatter it, and those of the test split do not. */
export interface RowStatistics {
  readonly validation: RowSplitStatistics;
  readonly test?: RowSplitStatistics;
}

/**
 * The rows with statistics of each soup; none for the logit ensemble, which is no soup, and for cross-entropy, which
 * counts no samples. Every soup is evaluated on both splits by then, so this costs no evaluation.
 */
export async function withStatistics<Row extends { readonly result: SearchResult; readonly budget: number }>(
  rows: readonly Row[],
  validation: SplitScorer,
  test: SplitScorer | undefined,
  options: CallOptions = {},
): Promise<(Row & { readonly statistics?: RowStatistics })[]> {
  const call = options.signal ? { signal: options.signal } : {};
  const described: (Row & { readonly statistics?: RowStatistics })[] = [];
  for (const row of rows) {
    const at = (method: string) =>
      rows.find(({ result, budget }) => result.method === method && budget === row.budget) as Row;
    const [single, greedy] = [at('best-individual'), at('greedy')];
    const of = async (scorer: SplitScorer): Promise<RowSplitStatistics | undefined> => {
      const soup = row.result.best.mixture;
      const { interval, versusOther } = await splitStatistics(scorer, soup, single.result.best.mixture, call);
      const versusGreedy = (await splitStatistics(scorer, soup, greedy.result.best.mixture, call)).versusOther;
      return interval && versusOther && versusGreedy
        ? { interval, versusBestIndividual: versusOther, versusGreedy }
        : undefined;
    };
    if (row.result.method === 'logit-ensemble') {
      described.push(row);
      continue;
    }
    const [chosenBy, unseen] = [await of(validation), test && (await of(test))];
    const statistics = chosenBy && { validation: chosenBy, ...(unseen && { test: unseen }) };
    described.push(statistics ? { ...row, statistics } : row);
  }
  return described;
}
