import type { WeightGeometry } from '../pool/index.js';
import type { CallOptions } from '../progress.js';
import type { SplitScorer } from '../stage2/index.js';
import { adaptive } from './adaptive.js';
import { bestIndividual, logitEnsemble, uniformSoup } from './baselines.js';
import { type RowStatistics, withStatistics } from './comparison-statistics.js';
import { greedySoup } from './greedy-soup.js';
import { oracle } from './oracle.js';
import { type RadinOptions, radin } from './radin.js';
import type { SearchResult } from './result.js';

export interface CompareOptions extends Omit<RadinOptions, 'budget' | 'lambda' | 'evaluate'> {
  /** One row of every method for each of these. */
  readonly budgets: readonly number[];
  /** Where the models lie in weight space, which `adaptive` learns by. */
  readonly geometry: WeightGeometry;
}

/** One method at one budget. */
export interface ComparisonRow {
  readonly result: SearchResult;
  readonly budget: number;
  /** Validation score of the choice: of the averaged logits for the logit ensemble, of the soup for all others. */
  readonly valScore: number;
  readonly testScore?: number;
  /** How far the scores of its soup can be trusted, against the best individual and greedy at the same budget. */
  readonly statistics?: RowStatistics;
}

/** The pool's own Table 1 (RADIN), as far as it needs no test split: every method at every budget, choosing by the validation split. */
export async function compare(validation: SplitScorer, options: CompareOptions): Promise<ComparisonRow[]> {
  const rows: ComparisonRow[] = [];
  for (const budget of options.budgets) {
    const searches = [
      await bestIndividual(validation, options),
      await uniformSoup(validation, options),
      await logitEnsemble(validation, options),
      await greedySoup(validation, { ...options, budget }),
      await radin(validation, { ...options, budget, lambda: 0 }),
      await radin(validation, { ...options, budget, lambda: 1 }),
      await adaptive(validation, { ...options, budget }),
    ];
    rows.push(...searches.map((result) => ({ result, budget, valScore: result.best.score })));
  }
  return withStatistics(rows, validation, undefined, options);
}

/**
 * The rest of Table 1: the test scores of what was chosen, and the oracle, which is there to cheat and alone chooses by the test split.
 * @param rows of `compare`
 */
export async function compareOnTest(
  rows: readonly ComparisonRow[],
  validation: SplitScorer,
  test: SplitScorer,
  options: CompareOptions,
): Promise<ComparisonRow[]> {
  // The ensemble's row needs these passes anyway, and with them the single models need no evaluation of their own.
  await test.cache(options);
  const scored: ComparisonRow[] = [];
  for (const row of rows) scored.push({ ...row, testScore: await testScore(test, row.result, options) });
  return withStatistics([...scored, ...(await oracleRows(validation, test, options))], validation, test, options);
}

/** Test score of what a method chose: of its soup, or of the averaged logits where these are the choice. */
async function testScore(test: SplitScorer, { method, best }: SearchResult, options: CallOptions): Promise<number> {
  const scores =
    method === 'logit-ensemble'
      ? await test.approxScores([best.mixture], options)
      : await test.scores([best.mixture], options);
  return scores[0] as number;
}

async function oracleRows(
  validation: SplitScorer,
  test: SplitScorer,
  options: CompareOptions,
): Promise<ComparisonRow[]> {
  const { mixtures } = await validation.propose(options);
  const result = await oracle(test, mixtures, options);
  const [valScore] = (await validation.scores([result.best.mixture], options)) as [number];
  return options.budgets.map((budget) => ({ result, budget, valScore, testScore: result.best.score }));
}
