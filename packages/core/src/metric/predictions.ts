import type { Predicted } from '@radin/native';
import { forEachBlock } from '../blocks.js';

/** Predictions of one model, soup or ensemble, and what they are scored against. Arrays are row-major and not to be changed. */
export interface Predictions {
  /** Logits, or of a regression the outputs, [M, C], finite. */
  readonly logits: Float32Array;
  /** M. */
  readonly samples: number;
  /** C. */
  readonly classes: number;
  readonly truth: Truth;
  /** The predicted classes, for logits of classes: the backend's work on all threads. */
  predict(): Promise<Predicted>;
  /** Abandons the metric, which looks at it wherever it lets the event loop turn. */
  readonly signal?: AbortSignal;
}

/** Logits that a metric may look at between two turns of the event loop: some milliseconds. */
const LOGITS_AT_ONCE = 2 ** 18;

/** Calls `visit` for blocks of samples, a turn of the event loop before each. @param width logits of each sample that are looked at @throws the signal's reason */
export function forEachSamples(
  { samples, signal }: Pick<Predictions, 'samples' | 'signal'>,
  width: number,
  visit: (first: number, end: number) => void,
): Promise<void> {
  const block = Math.max(1, Math.floor(LOGITS_AT_ONCE / width));
  return forEachBlock(samples, block, signal, (first, count) => visit(first, first + count));
}

/** What predictions are scored against. */
export interface Truth {
  /** Class indices in [0, C), shape [M]; empty for tasks without classes. */
  readonly labels: Int32Array;
  /** Of multi-label classification 0 or 1, of a regression any finite numbers, shape [M, C]. */
  readonly targets?: Float64Array;
  /** The group of each sample, ≥ 0, shape [M], where groups are given. */
  readonly groups?: Int32Array;
}

/** The truth of some of the samples, in the order given. @param classes C */
export function truthOf({ labels, targets, groups }: Truth, samples: Uint32Array, classes: number): Truth {
  const chosen = targets && new Float64Array(samples.length * classes);
  for (const [row, sample] of samples.entries()) {
    chosen?.set((targets as Float64Array).subarray(sample * classes, (sample + 1) * classes), row * classes);
  }
  return {
    labels: labels.length === 0 ? labels : Int32Array.from(samples, (sample) => labels[sample] as number),
    ...(chosen && { targets: chosen }),
    ...(groups && { groups: Int32Array.from(samples, (sample) => groups[sample] as number) }),
  };
}

/** A measure that the backend does not compute. */
export interface PredictionMeasure {
  readonly kind: 'predictions';
  /** The score of all samples, higher is better; not finite where it is not defined. */
  readonly of: (predictions: Predictions) => number | Promise<number>;
  /** Where the score is a mean over the samples of what each has by itself: that. */
  readonly term?: SampleTerm;
}

/** What one sample has, of a metric that is a mean: losses ≥ 0 where the metric is negated, else how many are right, a whole number. */
export interface SampleTerm {
  /** What is lost or counted: each output of a sample, or the sample. */
  readonly per: 'output' | 'sample';
  /** Of the sample whose outputs and targets are [begin, end) of the arrays: the sum over its outputs. */
  readonly of: (outputs: ArrayLike<number>, targets: ArrayLike<number>, begin: number, end: number) => number;
}

/** A measure of the predicted classes alone: of each sample the class of the largest logit, ties to the lowest. */
export interface ClassMeasure {
  readonly kind: 'classes';
  /** The score of all samples, higher is better; not finite where it is not defined. @param predicted shape [M] */
  readonly of: (predicted: Int32Array, truth: Truth, classes: number) => number;
}
