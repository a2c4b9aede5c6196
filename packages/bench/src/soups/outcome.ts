import type { Logits } from '@radin/core';
import type { Union } from './union.js';

/** What one soup says about every sample of the union. */
export interface Outcome {
  /** 1 where its prediction is the observed label, [M]. */
  readonly rightAsObserved: Uint8Array;
  /** 1 where its prediction is the label, [M]. */
  readonly right: Uint8Array;
  /** −log softmax of the label, in nats, [M]. */
  readonly losses: Float32Array;
}

/** The lowest class with the largest logit of each sample, and the loss: all that is kept of a soup's logits. */
export interface Prediction {
  readonly classes: Uint16Array;
  readonly losses: Float32Array;
}

export function predictionOf({ values, samples, classes }: Logits, labels: Int32Array): Prediction {
  const predicted = new Uint16Array(samples);
  const losses = new Float32Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    const row = values.subarray(sample * classes, (sample + 1) * classes);
    let best = 0;
    for (let c = 1; c < classes; c++) if ((row[c] as number) > (row[best] as number)) best = c;
    const largest = row[best] as number;
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp((row[c] as number) - largest);
    predicted[sample] = best;
    losses[sample] = Math.log(sum) + largest - (row[labels[sample] as number] as number);
  }
  return { classes: predicted, losses };
}

export function outcomeOf({ classes, losses }: Prediction, { labels, observed }: Union): Outcome {
  const matches = (expected: Int32Array) => Uint8Array.from(classes, (c, sample) => (c === expected[sample] ? 1 : 0));
  const right = matches(labels);
  return { right, rightAsObserved: observed === labels ? right : matches(observed), losses };
}

/** Samples × 6 bytes: the predicted classes, then the losses. */
export function encodePrediction({ classes, losses }: Prediction): Buffer {
  return Buffer.concat([classes, losses].map(({ buffer }) => new Uint8Array(buffer)));
}

/** @returns undefined where the bytes are not those of so many samples */
export function decodePrediction(bytes: Uint8Array, samples: number): Prediction | undefined {
  if (bytes.byteLength !== 6 * samples) return undefined;
  const { buffer } = Uint8Array.from(bytes);
  return {
    classes: new Uint16Array(buffer.slice(0, 2 * samples)),
    losses: new Float32Array(buffer.slice(2 * samples)),
  };
}
