import type { Metric, TaskName } from '../metric/index.js';
import type { ComparisonRow, RowSplitStatistics, RowStatistics, SearchResult } from '../recipes/index.js';
import { type DescribedMixture, describeMixture } from './described.js';
import { type DescribedCurvePoint, describeCurve } from './described-curve.js';
import { metricTitle, plainScore } from './format.js';
import { type PoolFindings, type PoolReport, poolReport } from './pool-report.js';
import { type RunRecord, reusedText } from './run-record.js';
import { type ScoringReport, scoringReport } from './scoring-report.js';
import { poolNouns } from './search-report.js';
import { alignColumns } from './table.js';
import type { WrittenSoup } from './written-soup.js';

/** What `schema` is in the documents of a comparison that this version writes and reads. */
export const COMPARISON_SCHEMA = 'radin-comparison-1';

/** What a comparison found. */
export interface ComparisonOutcome {
  readonly rows: readonly ComparisonRow[];
  /** The row whose soup is written. */
  readonly written: ComparisonRow;
  /** What is known of the single models. */
  readonly pool: PoolFindings;
}

/** Everything besides the scores that determines a comparison. */
export interface ComparisonFacts {
  readonly pool: {
    /** The pool's folder, without the path to it; not there where flags name the files. */
    readonly name?: string;
    readonly models: readonly string[];
    readonly samples: number;
    readonly classes: number;
    /** Left out for multi-class. */
    readonly task?: TaskName;
  };
  readonly metric: Metric;
  readonly budgets: readonly number[];
  /** How the paper's search had its candidates proposed. */
  readonly candidates: number;
  readonly sampler: string;
  readonly seed: number;
  readonly notices: readonly string[];
  /** Of what determines bits: another version of one of these may give others. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The object of `comparison.json`, and with a `RunRecord` that of `compare --json`. */
export interface ComparisonReport
  extends Omit<ComparisonFacts, 'pool' | 'metric'>,
    PoolReport,
    ScoringReport,
    WrittenSoup {
  /** What the keys mean; another number for documents that this version would misread. */
  readonly schema: typeof COMPARISON_SCHEMA;
  readonly pool: {
    readonly name?: string;
    readonly models: number;
    readonly samples: number;
    readonly classes: number;
    /** Left out for multi-class. */
    readonly task?: TaskName;
  };
  readonly metric: string;
  /** The row whose soup was written: the best by validation score among the methods that a user could use. */
  readonly written: { readonly method: string; readonly budget: number };
  readonly rows: readonly (DescribedMixture & {
    readonly method: string;
    readonly budget: number;
    readonly valScore: number;
    readonly testScore?: number;
    readonly evaluations: number;
    /** What they cost, in full passes over the validation split, where each was not one. */
    readonly passes?: number;
    /** The choice after so many evaluations, an entry only where it changes; of methods that evaluate one soup after the other. */
    readonly curve?: readonly DescribedCurvePoint[];
    /** Of its soup against the best individual and greedy at the same budget; the row's samples come first in the counts. */
    readonly statistics?: RowStatistics;
    /** Why soups that the method evaluated have no score, where evaluations were lost; where all were, its row is the best individual. */
    readonly failed?: readonly string[];
    /** Greedy's steps in their order. */
    readonly trace?: readonly { readonly model: string; readonly valScore?: number; readonly kept: boolean }[];
  })[];
}

export function comparisonReport(
  { rows, written, pool: findings }: ComparisonOutcome,
  facts: ComparisonFacts,
): ComparisonReport {
  const { pool, metric, versions, ...run } = facts;
  return {
    schema: COMPARISON_SCHEMA,
    pool: { ...pool, models: pool.models.length },
    metric: metric.name,
    ...scoringReport(metric),
    ...run,
    ...poolReport(findings, pool.models),
    written: { method: written.result.method, budget: written.budget },
    rows: rows.map(({ result, budget, valScore, testScore, statistics }) => ({
      method: result.method,
      budget,
      valScore,
      ...(testScore !== undefined && { testScore }),
      evaluations: result.evaluations,
      ...(result.passes !== undefined && { passes: result.passes }),
      ...describeMixture(result.best.mixture, pool.models),
      ...(statistics && { statistics }),
      ...(result.curve && { curve: describeCurve(result.curve, pool.models) }),
      ...failuresOf(result),
      ...(result.trace && {
        trace: result.trace.map(({ model, score, kept }) => ({
          model: pool.models[model] as string,
          ...(score !== undefined && { valScore: score }),
          kept,
        })),
      }),
    })),
    versions,
  };
}

function failuresOf({ candidates, trace = [] }: SearchResult): { readonly failed?: readonly string[] } {
  const failed = [...candidates, ...trace].flatMap((one) => (one.failed === undefined ? [] : [one.failed]));
  return failed.length === 0 ? {} : { failed };
}

/** What people call the methods. */
export const METHOD_TITLES: Readonly<Record<string, string>> = {
  'best-individual': 'best individual',
  uniform: 'uniform soup',
  'logit-ensemble': 'logit ensemble',
  greedy: 'greedy soup',
  radin: 'RADIN, λ = 0',
  'radin-prior': 'RADIN, λ = 1',
  adaptive: 'adaptive',
  oracle: 'oracle (cheats)',
};

/** The comparison as a table like the paper's Table 1: a line for each method, columns for each budget. */
export function comparisonText({ rows, pool }: ComparisonReport, record: RunRecord, metric: Metric): string {
  const budgets = [...new Set(rows.map(({ budget }) => budget))];
  const methods = [...new Set(rows.map(({ method }) => method))];
  const tested = rows.some(({ testScore }) => testScore !== undefined);
  const cell = (score: number | undefined) =>
    score === undefined ? '' : metric.unit === 'fraction' ? (100 * score).toFixed(2) : plainScore(score, metric);
  const unit = metric.unit === 'fraction' ? '%' : metric.unit;
  const { row, columns: numbers } = poolNouns(pool.task);
  const hasMarks = rows.some(({ statistics }) => statistics !== undefined);
  const columns = budgets.flatMap(() => [
    `val ${unit}`.trimEnd(),
    ...(tested ? [`test ${unit}`.trimEnd()] : []),
    'evals',
  ]);
  const table = alignColumns([
    ['', ...budgets.flatMap((budget) => ['', ...(tested ? [''] : []), `B = ${budget}`])],
    [metricTitle(metric), ...columns],
    ...methods.map((method) => [
      METHOD_TITLES[method] ?? method,
      ...budgets.flatMap((budget) => {
        const row = rows.find((candidate) => candidate.method === method && candidate.budget === budget);
        const split = tested ? row?.statistics?.test : row?.statistics?.validation;
        const marked = (score: number | undefined) => `${cell(score)}${marks(split, hasMarks)}`;
        const scores = tested ? [cell(row?.valScore), marked(row?.testScore)] : [marked(row?.valScore)];
        return [...scores, String(row?.evaluations ?? '')];
      }),
    ]),
  ]);
  return [
    `${pool.models} models, ${pool.samples} ${row}s, ${pool.classes} ${numbers[1]}`,
    '',
    ...table,
    '',
    `evals: full evaluations of soups within the budget B; the ${pool.models} passes that rank the single models are not counted.`,
    ...(hasMarks
      ? [
          `i, g: differs from the best individual, from greedy at the same budget on the ${tested ? 'test' : 'validation'} samples (McNemar’s exact p < ${LEVEL}).`,
        ]
      : []),
    'logit ensemble: a predictor that runs all models, no soup.',
    ...lostText(rows),
    ...(methods.includes('oracle')
      ? [
          'oracle: the best of RADIN’s candidates by the test split; a reference, not a method, and no bound for other searches.',
        ]
      : []),
    ...reusedText(record),
  ].join('\n');
}

function lostText(rows: ComparisonReport['rows']): string[] {
  const methods = [...new Set(rows.flatMap(({ method, failed }) => (failed ? [METHOD_TITLES[method] ?? method] : [])))];
  return methods.length === 0
    ? []
    : [
        `evaluations lost: of ${methods.join(', ')}; such a soup has no score and does not win, and a method without any other has the best individual.`,
      ];
}

/** McNemar's p-value below which a difference is marked. */
const LEVEL = 0.05;

/** Two characters, so that scores stay aligned, where any row has marks. */
function marks(split: RowSplitStatistics | undefined, hasMarks: boolean): string {
  if (!hasMarks) return '';
  const mark = (letter: string, pValue: number | undefined) => (pValue !== undefined && pValue < LEVEL ? letter : ' ');
  return ` ${mark('i', split?.versusBestIndividual.pValue)}${mark('g', split?.versusGreedy.pValue)}`;
}
