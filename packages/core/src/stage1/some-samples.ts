import { forEachBlock } from '../blocks.js';
import { type PoolLogits, storedInMemory } from '../logits/index.js';
import { truthOf } from '../metric/index.js';
import { readSamples } from './read-samples.js';

/** A copy of all models' logits for some of the samples, in the order given. @throws as `readSamples` */
export async function someSamples(cache: PoolLogits, samples: Uint32Array, signal?: AbortSignal): Promise<PoolLogits> {
  const { models, classes } = cache;
  const copies = models.map(() => new Float32Array(samples.length * classes));
  await forEachBlock(models.length, 1, signal, (model) => {
    const all = readSamples(cache, model, 0, cache.samples);
    const copy = copies[model] as Float32Array;
    for (const [at, sample] of samples.entries()) {
      copy.set(all.subarray(sample * classes, (sample + 1) * classes), at * classes);
    }
  });
  const count = samples.length;
  return {
    models,
    logits: copies.map((values) => storedInMemory({ values, samples: count, classes })),
    ...truthOf(cache, samples, classes),
    samples: count,
    classes,
  };
}
