import type { Metric } from '../metric/index.js';
import type { Evaluated } from './evaluated.js';

/** How what a soup gets on parts of the samples adds up to its score, by a metric that is a mean over the samples. */
export interface PartTotals {
  /** The most that one sample adds: 1 or C where right ones are counted, which makes totals whole numbers, 0 where losses are negated. */
  readonly most: number;
  /** What was got on a part of so many samples. */
  of(part: Evaluated, samples: number): number;
  /** The score of all samples. Never falls where the total rises. */
  score(total: number): number;
}

/** @param samples M @param outputs C @throws RangeError unless `isMean(metric)` */
export function partTotals(metric: Metric, samples: number, outputs: number): PartTotals {
  const { measure } = metric;
  if (measure.kind === 'top') {
    return {
      most: 1,
      of: ({ score, correct }, count) =>
        correct === undefined ? Math.round(score * count) : correct.reduce((sum, bit) => sum + bit, 0),
      score: (total) => metric.score(total, samples),
    };
  }
  const term = measure.kind === 'predictions' ? measure.term : undefined;
  if (measure.kind === 'classes' || (measure.kind === 'predictions' && term === undefined)) {
    throw new RangeError(`Expected a metric that is a mean over the samples but received ${metric.name}`);
  }
  if (term === undefined || metric.negated) {
    return { most: 0, of: ({ score }, count) => score * count, score: (total) => total / samples };
  }
  const most = term.per === 'output' ? outputs : 1;
  return {
    most,
    of: ({ score }, count) => Math.round(score * count * most),
    score: (total) => total / (samples * most),
  };
}
