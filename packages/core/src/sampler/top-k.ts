import { Mixture } from '../mixture/index.js';
import type { Sampler } from './sampler.js';
import { bestOf, scoreAll, scoreSingles } from './scored.js';

/** The uniform soups of the k models with the best validation scores, k = 1 … N; of equal models the first in the pool. */
export const topModels: Sampler = {
  name: 'top-k',
  async *sample(context) {
    const order = (await scoreSingles(context, 'metric')).map(({ mixture }) => mixture.ingredients[0] as number);
    const prefixes = order.map((_, last) => Mixture.uniform(context.poolSize, order.slice(0, last + 1)));
    yield* bestOf(await scoreAll(context, prefixes, 'metric'), context.count);
  },
};
