import type { ComparisonReport, SearchReport } from '@radin/core';
import { metricOf } from './document-metric.js';

/** What contradicts the rest of a document: a message and the field. */
interface Issue {
  readonly code: 'custom';
  readonly message: string;
  readonly path: (string | number)[];
}

/** A list of models with the scores that come with it. */
interface Scored {
  readonly path: (string | number)[];
  readonly models: readonly string[];
  readonly scores: readonly (number | undefined)[];
}

/** The first contradiction between what a document says of its pool and everything that names its models; none in one that a run left. */
export function poolIssues(
  report: Pick<SearchReport, 'pool' | 'models' | 'disagreement' | 'metric' | 'scoring'>,
  mixtures: readonly Scored[],
): Issue[] {
  const { pool, models, disagreement } = report;
  const metric = metricOf(report);
  if (metric === undefined)
    return [issue('expected accuracy, top-K or cross-entropy, or how another is read', ['metric'])];
  const known = new Set(models.map(({ model }) => model));
  if (known.size < models.length) return [issue('expected models of different names', ['models'])];
  if (pool.models !== models.length) return [issue('expected the number of models', ['pool', 'models'])];
  if (disagreement !== undefined && disagreement.counts.length !== models.length)
    return [issue('expected a row for each model', ['disagreement', 'counts'])];
  if (disagreement?.counts.some((row) => row.some((count) => count > disagreement.samples)))
    return [issue('expected counts of at most its samples', ['disagreement', 'counts'])];
  const singles = models.map(({ model, valScore, testScore }, at): Scored => {
    return { path: ['models', at], models: [model], scores: [valScore, testScore] };
  });
  const isFraction = metric.unit === 'fraction' && !metric.negated;
  for (const { path, models: named, scores } of [...singles, ...mixtures]) {
    if (named.some((model) => !known.has(model)))
      return [issue('expected names of models in the field models', [...path, 'models'])];
    if (isFraction && scores.some((score) => score !== undefined && !(score >= 0 && score <= 1)))
      return [issue(`expected scores from 0 to 1, as they are of ${metric.name}`, path)];
  }
  return [];
}

function issue(message: string, path: (string | number)[]): Issue {
  return { code: 'custom', message, path };
}

export function searchMixtures({ best, bestIndividual, candidates, curve = [], greedy }: SearchReport): Scored[] {
  const scored = (one: SearchReport['best'], ...path: (string | number)[]): Scored => ({
    path,
    models: one.models,
    scores: [one.approxScore, one.valScore, one.valScoreAtMost, one.testScore],
  });
  return [
    scored(best, 'best'),
    scored(bestIndividual, 'bestIndividual'),
    ...candidates.map((one, at) => scored(one, 'candidates', at)),
    ...curve.map(({ models, valScore }, at) => ({ path: ['curve', at], models, scores: [valScore] })),
    ...(greedy ? [{ path: ['greedy'], models: greedy.models, scores: [greedy.valScore, greedy.testScore] }] : []),
  ];
}

export function rowMixtures({ rows }: ComparisonReport): Scored[] {
  return rows.flatMap(({ models, valScore, testScore, curve = [], trace = [] }, at) => [
    { path: ['rows', at], models, scores: [valScore, testScore] },
    ...curve.map((point, k) => ({ path: ['rows', at, 'curve', k], models: point.models, scores: [point.valScore] })),
    ...trace.map((step, k) => ({ path: ['rows', at, 'trace', k], models: [step.model], scores: [step.valScore] })),
  ]);
}
