import type { SoupFacts } from '../explanation/index.js';
import type { Metric, TaskName } from '../metric/index.js';
import { LISTED, type SearchResult } from '../recipes/index.js';
import type { Candidate } from '../stage1/index.js';
import type { Racing } from '../stage2/index.js';
import { type BatchNormReport, batchNormText } from './batch-norm-report.js';
import { type ChoiceReport, type ChoiceStatistics, choiceReport, choiceText } from './choice-report.js';
import { type DescribedCandidate, describeCandidate } from './described.js';
import { curveText, type DescribedCurvePoint, describeCurve } from './described-curve.js';
import { type Explanation, type ExplanationReport, explanationReport, explanationText } from './explanation-report.js';
import { formatGain, formatScore, metricTitle } from './format.js';
import { type GreedyOutcome, type GreedyReport, greedyReport, greedyText } from './greedy-report.js';
import { type PoolFindings, type PoolReport, poolReport } from './pool-report.js';
import { type RunRecord, reusedText } from './run-record.js';
import { type ScoringReport, scoringReport } from './scoring-report.js';
import { type SoupReason, soupReasons } from './soup-reasons.js';
import type { WrittenSoup } from './written-soup.js';

/** Scores of what a search chose and of the single model that it had to beat; test scores only report. */
export interface SearchOutcome {
  readonly result: SearchResult;
  readonly bestIndividual: SearchResult;
  readonly testScore?: number;
  readonly bestIndividualTestScore?: number;
  /** How far the scores can be trusted. */
  readonly statistics?: ChoiceStatistics;
  /** Greedy's soup, where it was asked for. */
  readonly greedy?: GreedyOutcome;
  /** What the models are worth. */
  readonly explanation?: Explanation;
  /** Where no soup beats the best single model, what can say why. */
  readonly facts?: SoupFacts;
  /** What is known of the single models. */
  readonly pool: PoolFindings;
  /** Where the statistics of BatchNorm layers were estimated anew. */
  readonly batchNorm?: BatchNormReport;
}

/** An estimate by name, with how logits were scaled for it. */
export interface EstimateFacts {
  readonly name: string;
  readonly temperature: 'none' | 'per-model';
  /** τ, where probabilities were smoothed. */
  readonly smoothing?: number;
}

/** Everything besides the scores that determines a result. */
export interface RunFacts {
  readonly pool: {
    /** The pool's folder, without the path to it; not there where flags name the files. */
    readonly name?: string;
    readonly models: readonly string[];
    readonly samples: number;
    readonly classes: number;
    /** Left out for multi-class. */
    readonly task?: TaskName;
  };
  readonly budget: number;
  readonly lambda: number;
  /** What ordered stage 1, or what the estimates of an adaptive search start from. */
  readonly estimate: EstimateFacts;
  readonly sampler: string;
  readonly seed: number;
  /** How stage 2 found the best: `exact`, `off` or `statistical`. */
  readonly racing: Racing['mode'];
  /** Whether it was asked to finish before its end, with what was known. */
  readonly interrupted?: boolean;
  readonly metric: Metric;
  /** Of what determines bits: another version of one of these may give others. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What `schema` is in the documents of a search that this version writes and reads. */
export const SEARCH_SCHEMA = 'radin-search-1';

/** The object of `result.json`, and with a `RunRecord` that of `search --json`. */
export interface SearchReport
  extends Omit<RunFacts, 'pool' | 'metric' | 'interrupted'>,
    ChoiceReport,
    PoolReport,
    ScoringReport,
    WrittenSoup {
  /** What the keys mean; another number for documents that this version would misread. */
  readonly schema: typeof SEARCH_SCHEMA;
  readonly method: string;
  readonly best: DescribedCandidate & { readonly testScore?: number };
  readonly bestIndividual: DescribedCandidate & { readonly testScore?: number };
  /** There where the run was asked to finish early: the best so far, without test scores. */
  readonly interrupted?: true;
  /** The choice after so many evaluations, from 0 or 1 on, an entry only where it changes; left out where a race does not tell. */
  readonly curve?: readonly DescribedCurvePoint[];
  /** Soups whose evaluation was begun, as the paper counts. */
  readonly evaluations: number;
  /** What they cost, in full passes over the validation split. */
  readonly passes: number;
  readonly pool: {
    readonly name?: string;
    readonly models: number;
    readonly samples: number;
    readonly classes: number;
    readonly task?: TaskName;
  };
  readonly metric: string;
  readonly notices: readonly string[];
  /** Candidates that stage 1 scored. */
  readonly scored: number;
  /** The first of them by rank: all that were evaluated, and at least 1,000, fewer where they have more than 30,000 ingredients in all. */
  readonly candidates: readonly DescribedCandidate[];
  readonly batchNorm?: BatchNormReport;
  readonly greedy?: GreedyReport;
  readonly explanation?: ExplanationReport;
  /** Why no soup beats the best single model, where none does. */
  readonly reasons?: readonly SoupReason[];
}

export function searchReport(outcome: SearchOutcome, facts: RunFacts): SearchReport {
  const {
    result,
    bestIndividual,
    testScore,
    bestIndividualTestScore,
    statistics,
    greedy,
    explanation,
    facts: soups,
    pool: findings,
    batchNorm,
  } = outcome;
  const { pool, interrupted, metric, versions, ...run } = facts;
  const best = describeCandidate(result.best, pool.models);
  const single = describeCandidate(bestIndividual.best, pool.models);
  return {
    schema: SEARCH_SCHEMA,
    method: result.method,
    best: testScore === undefined ? best : { ...best, testScore },
    bestIndividual: bestIndividualTestScore === undefined ? single : { ...single, testScore: bestIndividualTestScore },
    ...(statistics && choiceReport(statistics)),
    ...(interrupted && { interrupted }),
    ...(result.curve && { curve: describeCurve(result.curve, pool.models) }),
    evaluations: result.evaluations,
    passes: result.passes ?? result.evaluations,
    pool: { ...pool, models: pool.models.length },
    ...poolReport(findings, pool.models),
    ...run,
    metric: metric.name,
    ...scoringReport(metric),
    notices: result.notices,
    scored: result.scored,
    candidates: listed(result).map((candidate) => describeCandidate(candidate, pool.models)),
    ...(batchNorm && { batchNorm }),
    ...(greedy && { greedy: greedyReport(greedy, pool.models) }),
    ...(explanation && { explanation: explanationReport(explanation, pool.models) }),
    ...(soups && { reasons: soupReasons(soups, pool.models, metric) }),
    versions,
  };
}

/** Ingredients of the listed candidates beyond those that were evaluated: about 1 MB of JSON. */
const MOST_INGREDIENTS = 30_000;

function listed({ candidates, evaluations }: SearchResult): readonly Candidate[] {
  let room = MOST_INGREDIENTS;
  const first = candidates.slice(0, Math.max(LISTED, evaluations));
  const end = first.findIndex(({ mixture }, at) => {
    room -= mixture.size;
    return at >= evaluations && room < 0;
  });
  return end < 0 ? first : first.slice(0, end);
}

/** The answer of a search in a few lines of text. @param explains whether to print the table of the models' values */
export function searchText(report: SearchReport, record: RunRecord, metric: Metric, explains = false): string {
  const { best, bestIndividual, evaluations, passes, scored, pool, batchNorm } = report;
  const scores = (found: SearchReport['best']) =>
    `validation ${formatScore(found.valScore ?? found.approxScore, metric)}` +
    (found.testScore === undefined ? '' : `   test ${formatScore(found.testScore, metric)}`);
  const gain = (key: 'valScore' | 'testScore') => {
    const [ours, theirs] = [best[key], bestIndividual[key]];
    return ours === undefined || theirs === undefined ? undefined : formatGain(ours - theirs, metric);
  };
  const testGain = gain('testScore');
  const nouns = poolNouns(pool.task);
  const isUniform = best.weights.every((weight) => weight === best.weights[0]);
  return [
    `${pool.models} models, ${pool.samples} ${nouns.row}s, ${pool.classes} ${nouns.columns[1]}; metric: ${metricTitle(metric)}; strategy: ${report.method}`,
    '',
    `best soup     ${scores(best)}   ${best.models.length} models`,
    `best single   ${scores(bestIndividual)}   ${bestIndividual.models.join(', ')}`,
    `gain          validation ${gain('valScore')}${testGain === undefined ? '' : `   test ${testGain}`}`,
    ...(batchNorm ? batchNormText(batchNorm, record.batchNormPasses ?? 0, metric) : []),
    ...curveText(report.curve, metric),
    ...choiceText(report, metric),
    ...(report.greedy ? greedyText(report.greedy, best, metric) : []),
    ...(report.reasons ? ['', 'why no soup wins', ...report.reasons.map(({ text }) => `  ${text}`)] : []),
    '',
    'ingredients',
    ...best.models.map((model, index) => `  ${isUniform ? '' : `${best.weights[index]?.toFixed(4)}  `}${model}`),
    '',
    ...(explains && report.explanation ? [...explanationText(report.explanation, metric), ''] : []),
    `${evaluations} of ${scored} candidates evaluated; full passes: ${Number(passes.toFixed(1))}`,
    ...reusedText(record),
  ].join('\n');
}

/** What a split's rows and the numbers of each are called: samples of classes, or tokens, labels, outputs. */
export function poolNouns(task: TaskName = 'multi-class'): {
  readonly row: string;
  readonly columns: [string, string];
} {
  return {
    row: task === 'token-classification' ? 'validation token' : 'validation sample',
    columns:
      task === 'regression'
        ? ['output', 'outputs']
        : task === 'multi-label'
          ? ['label', 'labels']
          : ['class', 'classes'],
  };
}
