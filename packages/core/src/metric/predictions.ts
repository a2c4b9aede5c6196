import type { Predicted } from '@radin/native';

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

/** A measure that is no sum over the samples. */
export interface PredictionMeasure {
  readonly kind: 'predictions';
  /** The score of all samples, higher is better; not finite where it is not defined. */
  readonly of: (predictions: Predictions) => number | Promise<number>;
}
