import { forEachBlock } from '../blocks.js';
import type { PoolLogits } from '../logits/index.js';
import type { Mixture } from '../mixture/index.js';
import { readSamples } from './read-samples.js';

/** Samples that are read at once. */
const BLOCK_SAMPLES = 256;

/** Smallest probability that counts, so that no loss is infinite: 690 nats. */
const LEAST_PROBABILITY = 1e-300;

/** P_k[m, y_m] = softmax(ŷ_k[m] / T_k)[y_m] of every model and sample, [N, M]. One read of the logits. */
export async function labelProbabilities(
  cache: PoolLogits,
  temperatures: Float64Array | undefined,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const { samples, classes, labels, models } = cache;
  const probabilities = new Float64Array(models.length * samples);
  await forEachBlock(samples, BLOCK_SAMPLES, signal, (first, count) => {
    for (let model = 0; model < models.length; model++) {
      const logits = readSamples(cache, model, first, count);
      const scale = 1 / (temperatures?.[model] ?? 1);
      for (let row = 0; row < count; row++) {
        const [begin, end] = [row * classes, (row + 1) * classes];
        let top = Number.NEGATIVE_INFINITY;
        for (let i = begin; i < end; i++) top = Math.max(top, logits[i] as number);
        let sum = 0;
        for (let i = begin; i < end; i++) sum += Math.exp(scale * ((logits[i] as number) - top));
        const own = scale * ((logits[begin + (labels[first + row] as number)] as number) - top);
        probabilities[model * samples + first + row] = Math.exp(own) / sum;
      }
    }
  });
  return probabilities;
}

/** −mean log Σ_k p_k P_k[m, y_m], negated: one number per mixture, in nats. Cost: M for each ingredient of each mixture. */
export async function meanLogProbabilities(
  probabilities: Float64Array,
  samples: number,
  mixtures: readonly Mixture[],
  signal?: AbortSignal,
): Promise<Float64Array> {
  const scores = new Float64Array(mixtures.length);
  const mixed = new Float64Array(BLOCK_SAMPLES);
  await forEachBlock(samples, BLOCK_SAMPLES, signal, (first, count) => {
    for (const [index, { ingredients, weights }] of mixtures.entries()) {
      mixed.fill(0);
      for (const model of ingredients) {
        const weight = weights[model] as number;
        const offset = model * samples + first;
        for (let row = 0; row < count; row++) {
          mixed[row] = (mixed[row] as number) + weight * (probabilities[offset + row] as number);
        }
      }
      let sum = 0;
      for (let row = 0; row < count; row++) sum += Math.log(Math.max(mixed[row] as number, LEAST_PROBABILITY));
      scores[index] = (scores[index] as number) + sum;
    }
  });
  return scores.map((score) => score / samples);
}
