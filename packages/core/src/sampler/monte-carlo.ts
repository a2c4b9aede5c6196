import { Mixture } from '../mixture/index.js';
import type { Sampler, SamplerContext } from './sampler.js';
import { subsets } from './subsets.js';

/**
 * The paper's sampler (RADIN, 4.1): a size drawn evenly from [2, N − 1], then a uniform subset of that size; a subset that
 * was drawn before is thrown away with its size. Where no more than `count` subsets of these sizes exist, all of them.
 */
export const monteCarlo = {
  name: 'monte-carlo',
  *sample({ poolSize, count, random, signal }: Omit<SamplerContext, 'ensemble'>) {
    // Single models and the whole pool are not among the paper's sizes: 2^N − N − 2 subsets are.
    if (2 ** poolSize - poolSize - 2 <= count) {
      for (const subset of subsets(poolSize)) {
        signal?.throwIfAborted();
        if (subset.length >= 2 && subset.length < poolSize) yield Mixture.uniform(poolSize, subset);
      }
      return;
    }
    const drawn = new Set<string>();
    while (drawn.size < count) {
      signal?.throwIfAborted();
      const size = 2 + random.below(poolSize - 2);
      const mixture = Mixture.uniform(poolSize, random.subset(poolSize, size));
      if (drawn.has(mixture.key)) continue;
      drawn.add(mixture.key);
      yield mixture;
    }
  },
} satisfies Sampler;
