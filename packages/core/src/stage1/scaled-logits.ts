import type { LogitsRequest } from '@radin/native';
import { forEachBlock } from '../blocks.js';
import { type PoolLogits, storedInMemory } from '../logits/index.js';
import { readSamples } from './read-samples.js';

/** Samples that are read at once. */
const BLOCK_SAMPLES = 256;

/**
 * A copy of the logits times `scale`, with one model more whose logits are all 0: a weight of it scales the others down. Of
 * every j-th sample, where a copy of all would have more than `most` numbers.
 */
export async function scaledLogits(
  cache: PoolLogits,
  scale: number,
  most: number,
  signal?: AbortSignal,
): Promise<LogitsRequest> {
  const { samples, classes, labels } = cache;
  const models = cache.logits.length;
  const stride = Math.max(1, Math.ceil(((models + 1) * samples * classes) / most));
  const taken = Array.from({ length: Math.ceil(samples / stride) }, (_, index) => index * stride);
  const copies = Array.from({ length: models + 1 }, () => new Float32Array(taken.length * classes));
  await forEachBlock(samples, BLOCK_SAMPLES, signal, (first, count) => {
    const here = [...taken.entries()].slice(Math.ceil(first / stride), Math.ceil((first + count) / stride));
    for (let model = 0; model < models; model++) {
      const values = readSamples(cache, model, first, count);
      const copy = copies[model] as Float32Array;
      for (const [index, sample] of here) {
        const from = (sample - first) * classes;
        for (let c = 0; c < classes; c++) copy[index * classes + c] = scale * (values[from + c] as number);
      }
    }
  });
  return {
    logits: copies.map((values) => storedInMemory({ values, samples: taken.length, classes })),
    samples: taken.length,
    classes,
    labels: Int32Array.from(taken, (sample) => labels[sample] as number),
  };
}
