import { forEachBlock } from '../blocks.js';
import type { PoolLogits } from '../logits/index.js';
import type { TaskName } from '../metric/index.js';
import { readSamples } from './read-samples.js';

/** Samples that are read at once; the first that shows logits ends the search. */
const BLOCK_SAMPLES = 256;

/** How far a sum of float32 probabilities may be from 1, with room for graphs that compute in float16. */
const SUM_TOLERANCE = 2e-3;

/**
 * A warning where the logits of all models are probabilities: of classes rows in [0, 1] that sum to 1, of single labels numbers in
 * [0, 1]. Undefined where one is not, and for regressions. Cost: one read where all are, else some samples.
 * @throws as `readSamples`
 */
export async function outputsAreProbabilities(
  cache: PoolLogits,
  task: TaskName,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (task === 'regression') return undefined;
  const { samples, classes, models } = cache;
  const ofClasses = task === 'multi-class' || task === 'token-classification';
  let all = true;
  await forEachBlock(samples, BLOCK_SAMPLES, signal, (first, count) => {
    for (let model = 0; all && model < models.length; model++) {
      const values = readSamples(cache, model, first, count);
      for (let row = 0; all && row < count; row++) {
        const own = values.subarray(row * classes, (row + 1) * classes);
        all = own.every((value) => value >= 0 && value <= 1) && (!ofClasses || sumsToOne(own));
      }
    }
  });
  if (!all) return undefined;
  const [found, consequence] = ofClasses
    ? [
        'every output row is in [0, 1] and sums to 1, so the graph ends in a softmax',
        'their averages are another ensemble than averaged logits (RADIN, Eq. 3), and cross-entropy takes a second softmax',
      ]
    : [
        'every output is in [0, 1], so the graph ends in a sigmoid',
        'a label is predicted where its logit is above 0, which a probability always is, and cross-entropy takes a second sigmoid',
      ];
  return `${found}: these are probabilities and not logits; ${consequence}; name the output before that layer (output: in radin.yaml, or --output), or export the graph without it`;
}

function sumsToOne(row: Float32Array): boolean {
  return Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) <= SUM_TOLERANCE;
}
