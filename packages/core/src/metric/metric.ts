import type { Measure } from '@radin/native';
import { type ClassMeasure, forEachSamples, type PredictionMeasure, type SampleTerm } from './predictions.js';

/**
 * How predictions are scored. A score is always "higher is better", so losses are negated. The backend adds up `measure` over
 * the samples and the metric turns that total into a score; or `measure` scores the predictions of all samples at once.
 */
export interface Metric {
  /** `accuracy`, `top-K`, `cross-entropy`, …: docs/metrics.md has all. */
  readonly name: string;
  /** `fraction`: in [0, 1], shown as a percentage. Any other is shown after the number: `nats`, or nothing. */
  readonly unit: string;
  /** Whether the score is minus what the name says, of which less is better. */
  readonly negated: boolean;
  /** The least and the greatest score that there can be. */
  readonly range: Range;
  readonly measure: Measure | PredictionMeasure | ClassMeasure;
  /** The score of `samples` predictions whose measures add up to `total`; of a measure of all samples at once the total is the score. */
  score(total: number, samples: number): number;
  /** Whether what is scored has no classes, so that there are no cross-entropy of labels and no predicted classes. Default: false. */
  readonly withoutClasses?: boolean;
  /** Whether every sample must have a group. Default: false. */
  readonly needsGroups?: boolean;
  /** Tells a user's metric from others of its name: the hash of its module. */
  readonly source?: string;
  /** False where scores of a later run may be others for the same predictions, so that none is remembered. Default: true. */
  readonly remembered?: boolean;
}

type Range = readonly [least: number, most: number];

const FRACTION: Range = [0, 1];
const NEGATIVE_LOSS: Range = [Number.NEGATIVE_INFINITY, 0];

/** A metric of whole predictions; its range is that of a fraction, or else of a loss, where none is given. @param value as the name says; with `negated`, less of it is better */
export function predictionMetric(
  name: string,
  value: PredictionMeasure['of'],
  { unit = 'fraction', negated = false, ...more }: Partial<Omit<Metric, 'name' | 'measure' | 'score'>> = {},
): Metric {
  return {
    name,
    unit,
    negated,
    range: unit === 'fraction' ? FRACTION : NEGATIVE_LOSS,
    measure: { kind: 'predictions', of: negated ? async (predictions) => 0 - (await value(predictions)) : value },
    score: (total) => total,
    ...more,
  };
}

/** A mean over the samples of outputs against targets. @param of as the term is; with `negated` a loss */
export function meanMetric(
  name: string,
  term: SampleTerm,
  options: Partial<Omit<Metric, 'name' | 'measure' | 'score'>> = {},
): Metric {
  const value: PredictionMeasure['of'] = async (predictions) => {
    const { logits, samples, classes, truth } = predictions;
    const { targets = new Float64Array() } = truth;
    let total = 0;
    await forEachSamples(predictions, classes, (first, end) => {
      for (let begin = first * classes; begin < end * classes; begin += classes) {
        total += term.of(logits, targets, begin, begin + classes);
      }
    });
    return total / (term.per === 'output' ? samples * classes : samples);
  };
  const metric = predictionMetric(name, value, options);
  return { ...metric, measure: { ...(metric.measure as PredictionMeasure), term } };
}

/** The term of a sum over the outputs. */
export function perOutput(value: (output: number, target: number) => number): SampleTerm {
  return {
    per: 'output',
    of: (outputs, targets, begin, end) => {
      let sum = 0;
      for (let at = begin; at < end; at++) sum += value(outputs[at] as number, targets[at] as number);
      return sum;
    },
  };
}

/** A fraction that the predicted classes determine. */
export function classMetric(name: string, of: ClassMeasure['of'], more: Pick<Metric, 'needsGroups'> = {}): Metric {
  return {
    name,
    unit: 'fraction',
    negated: false,
    range: FRACTION,
    measure: { kind: 'classes', of },
    score: (total) => total,
    ...more,
  };
}

/** Fraction of samples whose label is among the k largest logits; ties go to the lowest class. k = 1 is the accuracy. */
export function topK(k: number): Metric {
  return {
    name: k === 1 ? 'accuracy' : `top-${k}`,
    unit: 'fraction',
    negated: false,
    range: FRACTION,
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
  negated: true,
  range: NEGATIVE_LOSS,
  measure: { kind: 'cross-entropy' },
  score: (total, samples) => -total / samples,
};

/** Whether the backend adds the metric up over the samples. */
export function isSum({ measure }: Metric): boolean {
  return measure.kind !== 'predictions' && measure.kind !== 'classes';
}

/** Whether a metric is a mean over the samples of what each has by itself, of which the best is known: what races need. */
export function isMean(metric: Metric): boolean {
  const { measure } = metric;
  return isSum(metric) || (measure.kind === 'predictions' && measure.term !== undefined);
}
