import { Mixture } from '../mixture/index.js';
import type { Sampler } from './sampler.js';
import { scoreSingles } from './scored.js';
import { subsets } from './subsets.js';

/** All subsets of so many models are listed, 2^8 − 1: a pool's good soups are often few of its best models. */
const BEST_MODELS = 8;

/** All single models, and all subsets of the 8 that score best, whatever `count` asks for. */
export const smallSets: Sampler = {
  name: 'small-sets',
  async *sample(context) {
    const singles = (await scoreSingles(context, 'metric')).map(({ mixture }) => mixture);
    yield* singles;
    const best = singles.slice(0, BEST_MODELS).map(({ ingredients }) => ingredients[0] as number);
    for (const subset of subsets(best.length)) {
      if (subset.length > 1)
        yield Mixture.uniform(
          context.poolSize,
          subset.map((index) => best[index] as number),
        );
    }
  },
};
