import type { Mixture } from '../mixture/index.js';
import { Effort } from './effort.js';
import { oneMore } from './forward.js';
import type { Sampler } from './sampler.js';
import { bestOf, type Scored, scoreSingles } from './scored.js';

/** Subsets of each size that are extended. */
const WIDTH = 5;

/** Sizes that bring no new best before the search ends. */
const PATIENCE = 2;

/**
 * Beam search: the best 5 subsets of each size by the metric, extended by one model in every way, give those of the next.
 * All that were extended are candidates. Cost: at most 5 N mixtures for each size.
 */
export const beam: Sampler = {
  name: 'beam',
  async *sample(context) {
    let level = (await scoreSingles(context, 'metric')).slice(0, WIDTH);
    const found = [...level];
    const effort = new Effort(context, 'metric');
    let best = (level[0] as Scored).score;
    for (let since = 0; since < PATIENCE && !effort.isSpent; ) {
      const extended = new Map<string, Mixture>();
      for (const { mixture } of level) {
        for (const larger of oneMore(mixture)) extended.set(larger.key, larger);
      }
      if (extended.size === 0) break;
      level = (await effort.score([...extended.values()])).slice(0, WIDTH);
      found.push(...level);
      const { score } = level[0] as Scored;
      since = score > best ? 0 : since + 1;
      best = Math.max(best, score);
    }
    yield* bestOf(found, context.count);
  },
};
