/** Predictions of one model, soup or ensemble, and what they are scored against. Arrays are row-major and not to be changed. */
export interface Predictions {
  /** Logits, or of a regression the outputs, [M, C], finite. */
  readonly logits: Float32Array;
  /** M. */
  readonly samples: number;
  /** C. */
  readonly classes: number;
  readonly truth: Truth;
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
  readonly of: (predictions: Predictions) => number;
}

/** The class of the largest logit of each sample, ties to the lowest class, [M]. */
export function predictedClasses({ logits, samples, classes }: Predictions): Int32Array {
  const predicted = new Int32Array(samples);
  for (let sample = 0, at = 0; sample < samples; sample++, at += classes) {
    let [best, most] = [0, logits[at] as number];
    for (let c = 1; c < classes; c++) {
      const logit = logits[at + c] as number;
      if (logit > most) [best, most] = [c, logit];
    }
    predicted[sample] = best;
  }
  return predicted;
}

/**
 * softmax of one sample's logits, written to `target`, [C]. Its sum is compensated (Neumaier), so that the order of the classes changes no
 * bit: probabilities of samples with the same logits in another order are ties.
 */
export function softmax(logits: Float32Array, first: number, target: Float64Array): void {
  const classes = target.length;
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classes; c++) {
    const logit = logits[first + c] as number;
    if (logit > most) most = logit;
  }
  let [sum, lost] = [0, 0];
  for (let c = 0; c < classes; c++) {
    const value = Math.exp((logits[first + c] as number) - most);
    target[c] = value;
    const next = sum + value;
    lost += sum >= value ? sum - next + value : value - next + sum;
    sum = next;
  }
  sum += lost;
  for (let c = 0; c < classes; c++) target[c] = (target[c] as number) / sum;
}
