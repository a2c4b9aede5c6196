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
  const { values, samples } = outputs;
  if (isScoredAsItIs(outputs, labels)) return outputs;
  const classes = scoredClasses(outputs, labels);
  const { tokens } = labels;
  if (tokens === undefined) {
    const pairs = new Float32Array(2 * samples);
    for (let sample = 0; sample < samples; sample++) pairs[2 * sample + 1] = values[sample] as number;
    return { values: pairs, samples, classes };
  }
  const rows = new Float32Array(tokens.places.length * classes);
  for (const [row, place] of tokens.places.entries()) {
    rows.set(values.subarray(place * classes, (place + 1) * classes), row * classes);
  }
  return { values: rows, samples: tokens.places.length, classes };
}

/** Whether `scoredLogits` gives outputs of this shape back. */
export function isScoredAsItIs({ classes }: Pick<Logits, 'classes'>, { task, tokens }: Labels): boolean {
  return tokens === undefined && !(task === 'binary' && classes === 1);
}

/** C of the rows that `scoredLogits` makes of outputs of this shape. @throws RadinError where these are no logits for each token */
export function scoredClasses(outputs: Pick<Logits, 'classes'>, labels: Labels): number {
  const { tokens, path } = labels;
  if (tokens === undefined) return isScoredAsItIs(outputs, labels) ? outputs.classes : 2;
  const perToken = outputs.classes / tokens.positions;
  if (Number.isInteger(perToken) && perToken >= 2) return perToken;
  throw new RadinError(
    'DATA',
    `Expected logits for each of ${tokens.positions} tokens, as ${path} has labels, but found ${outputs.classes} numbers for a sample`,
  );
}
