import { RadinError } from '../errors/index.js';
import { Mixture } from '../mixture/index.js';
import type { Sampler, SamplerContext } from './sampler.js';
import { subsets } from './subsets.js';

/**
 * Here every subset is listed, to be scored one by one: 2^16 of them are the most that is comfortable. Stage 1 scores all
 * subsets of up to 24 models by accuracy or top-k without this list.
 */
const MAX_MODELS = 16;

/** Every non-empty subset, 2^N − 1 of them (RADIN, 3.3: "a full exploration of all subsets"), whatever `count` asks for. */
export const exhaustive = {
  name: 'exhaustive',
  check(poolSize: number) {
    if (poolSize > MAX_MODELS) {
      throw new RadinError(
        'CONFIG',
        `Expected a pool of at most 24 models for the sampler "exhaustive" (${MAX_MODELS} to compare, or by cross-entropy) but found ${poolSize}; use "monte-carlo"`,
      );
    }
  },
  *sample({ poolSize, signal }: Pick<SamplerContext, 'poolSize' | 'signal'>) {
    exhaustive.check(poolSize);
    for (const subset of subsets(poolSize)) {
      signal?.throwIfAborted();
      yield Mixture.uniform(poolSize, subset);
    }
  },
} satisfies Sampler;
