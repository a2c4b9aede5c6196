import type { Measure } from '@radin/native';

/**
 * How predictions are scored. A score is always "higher is better", so cross-entropy is negated.
 * The backend adds up `measure` over the samples; the metric turns that total into a score.
 */
export interface Metric {
  /** `accuracy`, `top-K` or `cross-entropy`. */
  readonly name: string;
  /** `fraction`: in [0, 1], shown as a percentage. `nats`: ≤ 0. */
  readonly unit: 'fraction' | 'nats';
  readonly measure: Measure;
  /** The score of `samples` predictions whose measures add up to `total`. */
  score(total: number, samples: number): number;
}

/** Fraction of samples whose label is among the k largest logits; ties go to the lowest class. k = 1 is the accuracy. */
export function topK(k: number): Metric {
  return {
    name: k === 1 ? 'accuracy' : `top-${k}`,
    unit: 'fraction',
    measure: { kind: 'top', k },
    score: (total, samples) => total / samples,
  };
}

/** Fraction of samples whose largest logit is the label's; ties go to the lowest class. */
export const accuracy: Metric = topK(1);

/** Negative mean of −log softmax(z)[label], in nats. */
export const crossEntropy: Metric = {
  name: 'cross-entropy',
  unit: 'nats',
  measure: { kind: 'cross-entropy' },
  score: (total, samples) => -total / samples,
};

/** The metric called `accuracy`, `cross-entropy` or `top-K` with K ≥ 1; undefined if there is none of that name. */
export function metricNamed(name: string): Metric | undefined {
  if (name === 'accuracy') return accuracy;
  if (name === 'cross-entropy') return crossEntropy;
  const k = /^top-([1-9]\d{0,8})$/.exec(name)?.[1];
  return k === undefined ? undefined : topK(Number(k));
}
