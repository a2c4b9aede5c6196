import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';

/** What stage 1 can tell of a mixture from cached logits alone; docs/estimates.md says when each is right. */
export const ESTIMATE_NAMES = [
  'metric',
  'cross-entropy',
  'cross-entropy-of-probabilities',
  'smoothed-accuracy',
] as const;

export type EstimateName = (typeof ESTIMATE_NAMES)[number];

/**
 * The τ of smoothed accuracy, in units of the logits. On the five pools of tools/pools, where losses of the
 * weights are taken off, 0.25 orders soups at least as well as 0.1, 0.5 and 1 on average: docs/estimates.md has the tables.
 */
export const DEFAULT_SMOOTHING = 0.25;

/** Which estimate, and how the logits are scaled for it. Soups and their real scores never see the scaling. */
export interface EstimateChoice {
  readonly name: EstimateName;
  /** `per-model`: each model's logits are divided by the temperature at which its own cross-entropy is least. Default: `none`. */
  readonly temperature?: 'none' | 'per-model';
  /** τ of `smoothed-accuracy`. Default: `DEFAULT_SMOOTHING`. */
  readonly smoothing?: number;
}

/** Whether that is what RADIN, Eq. 3 orders by: the metric of the averaged logits as they are. Also without a choice. */
export function isMetric(choice: EstimateChoice | undefined): boolean {
  return choice === undefined || (choice.name === 'metric' && choice.temperature !== 'per-model');
}

/** One number for each mixture, higher is better. */
export interface Estimate {
  readonly unit: Metric['unit'];
  of(mixtures: readonly Mixture[], signal?: AbortSignal): Promise<Float64Array>;
}
