import type { Metric } from '../metric/index.js';

/** How a document's scores are to be read, where the metric is another than accuracy, top-K or cross-entropy of classes. */
export interface ScoringReport {
  readonly scoring?: {
    /** `fraction` in [0, 1], or what follows the number; may be empty. */
    readonly unit: string;
    /** Whether scores are minus what the metric's name says, of which less is better. */
    readonly negated: boolean;
  };
}

export function scoringReport(metric: Metric): ScoringReport {
  const { unit, negated, measure } = metric;
  return measure.kind === 'top' || measure.kind === 'cross-entropy' ? {} : { scoring: { unit, negated } };
}
