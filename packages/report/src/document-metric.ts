import { type Metric, metricNamed, type SearchReport } from '@radin/core';

/** What a page has to know of a metric. */
export type DocumentMetric = Pick<Metric, 'name' | 'unit' | 'negated'>;

/** The metric of a document: one that its name tells, or the one that it describes; undefined where neither does. */
export function metricOf({
  metric: name,
  scoring,
}: Pick<SearchReport, 'metric' | 'scoring'>): DocumentMetric | undefined {
  return scoring === undefined ? metricNamed(name) : { name, ...scoring };
}
