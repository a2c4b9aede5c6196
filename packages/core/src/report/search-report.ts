import type { Metric } from '../metric/index.js';
import { LISTED, type SearchResult } from '../recipes/index.js';
import type { Racing } from '../stage2/index.js';
import { type ChoiceReport, type ChoiceStatistics, choiceReport, choiceText } from './choice-report.js';
import { type DescribedCandidate, describeCandidate } from './described.js';
import { curveText, type DescribedCurvePoint, describeCurve } from './described-curve.js';
import { formatGain, formatScore } from './format-score.js';

/** Scores of what a search chose and of the single model that it had to beat; test scores only report. */
export interface SearchOutcome {
  readonly result: SearchResult;
  readonly bestIndividual: SearchResult;
  readonly testScore?: number;
  readonly bestIndividualTestScore?: number;
  /** How far the scores can be trusted. */
  readonly statistics?: ChoiceStatistics;
}

/** Everything besides the scores that determines a run or says what it ran on. */
export interface RunFacts {
  readonly pool: { readonly models: readonly string[]; readonly samples: number; readonly classes: number };
  readonly budget: number;
  readonly lambda: number;
  readonly sampler: string;
  readonly seed: number;
  /** How stage 2 found the best: `exact`, `off` or `statistical`. */
  readonly racing: Racing['mode'];
  /** Whether it was asked to finish before its end, with what was known. */
  readonly interrupted?: boolean;
  readonly backend: string;
  readonly metric: Metric;
  /** Seconds per phase. The only part that differs between two runs of one search. */
  readonly timings: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, string>>;
}

/** The object of `result.json` and of `search --json`. */
export interface SearchReport extends Omit<RunFacts, 'pool' | 'metric' | 'interrupted'>, ChoiceReport {
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
  readonly pool: { readonly models: number; readonly samples: number; readonly classes: number };
  readonly metric: string;
  readonly notices: readonly string[];
  /** Candidates that stage 1 scored. */
  readonly scored: number;
  /** The first of them by rank: all that were evaluated, and at least 1,000. */
  readonly candidates: readonly DescribedCandidate[];
}

export function searchReport(outcome: SearchOutcome, facts: RunFacts): SearchReport {
  const { result, bestIndividual, testScore, bestIndividualTestScore, statistics } = outcome;
  const { pool, budget, lambda, sampler, seed, racing, interrupted, backend, metric, timings, versions } = facts;
  const best = describeCandidate(result.best, pool.models);
  const single = describeCandidate(bestIndividual.best, pool.models);
  return {
    method: result.method,
    best: testScore === undefined ? best : { ...best, testScore },
    bestIndividual: bestIndividualTestScore === undefined ? single : { ...single, testScore: bestIndividualTestScore },
    ...(statistics && choiceReport(statistics)),
    ...(interrupted && { interrupted }),
    ...(result.curve && { curve: describeCurve(result.curve, pool.models) }),
    evaluations: result.evaluations,
    passes: result.passes ?? result.evaluations,
    pool: { ...pool, models: pool.models.length },
    budget,
    lambda,
    sampler,
    seed,
    racing,
    backend,
    metric: metric.name,
    notices: result.notices,
    scored: result.scored,
    candidates: result.candidates
      .slice(0, Math.max(LISTED, result.evaluations))
      .map((candidate) => describeCandidate(candidate, pool.models)),
    timings,
    versions,
  };
}

/** The answer of a search in a few lines of text. */
export function searchText(report: SearchReport, metric: Metric): string {
  const { best, bestIndividual, evaluations, passes, scored, pool } = report;
  const scores = (found: SearchReport['best']) =>
    `validation ${formatScore(found.valScore ?? found.approxScore, metric)}` +
    (found.testScore === undefined ? '' : `   test ${formatScore(found.testScore, metric)}`);
  const gain = (key: 'valScore' | 'testScore') => {
    const [ours, theirs] = [best[key], bestIndividual[key]];
    return ours === undefined || theirs === undefined ? undefined : formatGain(ours - theirs, metric);
  };
  const testGain = gain('testScore');
  const isUniform = best.weights.every((weight) => weight === best.weights[0]);
  return [
    `${pool.models} models, ${pool.samples} validation samples, ${pool.classes} classes; metric: ${metric.name}; strategy: ${report.method}`,
    '',
    `best soup     ${scores(best)}   ${best.models.length} models`,
    `best single   ${scores(bestIndividual)}   ${bestIndividual.models.join(', ')}`,
    `gain          validation ${gain('valScore')}${testGain === undefined ? '' : `   test ${testGain}`}`,
    ...curveText(report.curve, metric),
    ...choiceText(report, metric),
    '',
    'ingredients',
    ...best.models.map((model, index) => `  ${isUniform ? '' : `${best.weights[index]?.toFixed(4)}  `}${model}`),
    '',
    `${evaluations} of ${scored} candidates evaluated; full passes: ${Number(passes.toFixed(1))}`,
  ].join('\n');
}
