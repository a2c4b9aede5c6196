import type { Labels } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import type { Logits } from './logits.js';

/**
 * A model's outputs as rows of logits that labels are for. One logit z of a binary model becomes [0, z], whose softmax,
 * largest class and mixtures are those of the sigmoid: averages of pairs are pairs of averages. Of tokens those that count are
 * taken, a row each. All others are as they are.
 * @throws RadinError where outputs and labels have other shapes
 */
export function scoredLogits(outputs: Logits, labels: Labels): Logits {
  const { values, samples, classes } = outputs;
  if (labels.task === 'binary' && classes === 1) {
    const pairs = new Float32Array(2 * samples);
    for (let sample = 0; sample < samples; sample++) pairs[2 * sample + 1] = values[sample] as number;
    return { values: pairs, samples, classes: 2 };
  }
  const { tokens } = labels;
  if (tokens === undefined) return outputs;
  const perToken = classes / tokens.positions;
  if (!Number.isInteger(perToken) || perToken < 2) {
    throw new RadinError(
      'DATA',
      `Expected logits for each of ${tokens.positions} tokens, as ${labels.path} has labels, but found ${classes} numbers for a sample`,
    );
  }
  const rows = new Float32Array(tokens.places.length * perToken);
  for (const [row, place] of tokens.places.entries()) {
    rows.set(values.subarray(place * perToken, (place + 1) * perToken), row * perToken);
  }
  return { values: rows, samples: tokens.places.length, classes: perToken };
}
