import type { Metric } from '../metric/index.js';
import { formatScore } from './format.js';

/** What was done about the running statistics of BatchNorm layers in the soups of a run. */
export interface BatchNormReport {
  /** Layers whose statistics were estimated anew in every soup. */
  readonly layers: number;
  /** Inputs on which they were. */
  readonly samples: number;
  /** Validation score of the best soup with the averages of its ingredients' statistics instead; not there for a single model. */
  readonly averagedScore?: number;
}

/** A line of it. @param passes over these inputs in this run */
export function batchNormText(
  { layers, samples, averagedScore }: BatchNormReport,
  passes: number,
  metric: Metric,
): string[] {
  const before =
    averagedScore === undefined ? '' : `; with averaged statistics: validation ${formatScore(averagedScore, metric)}`;
  return [
    `batch norm    statistics of ${layers} layers from ${samples} samples, ${passes} passes through parts of the graph${before}`,
  ];
}
