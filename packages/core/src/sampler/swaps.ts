import { Mixture } from '../mixture/index.js';
import { oneLess } from './backward.js';
import { Effort } from './effort.js';
import { oneMore } from './forward.js';
import type { Sampler, SamplerContext } from './sampler.js';
import { bestOf, type Scored, scoreSingles } from './scored.js';

/** Local searches: one from the best single model, the others from random subsets of up to MOST_AT_START models. */
const STARTS = 8;
const MOST_AT_START = 8;

/** Neighbours that are looked at in a step: all of 22 models or fewer, a random choice of more. */
const MOST_NEIGHBOURS = 150;

/**
 * Local search by the metric with restarts: add a model, drop one or swap one for another, whichever is best, as long as the
 * score grows. All subsets on the way are candidates. Cost: at most 150 mixtures a step.
 */
export const swaps: Sampler = {
  name: 'swaps',
  async *sample(context) {
    const { poolSize, random, count } = context;
    const [single] = (await scoreSingles(context, 'metric')) as [Scored];
    const found: Scored[] = [];
    for (let start = 0; start < STARTS; start++) {
      const effort = new Effort(context, 'metric', 1 / STARTS);
      const size = 1 + random.below(Math.min(poolSize, MOST_AT_START));
      const drawn = Mixture.uniform(poolSize, random.subset(poolSize, size));
      const from = start === 0 ? single : ((await effort.score([drawn]))[0] as Scored);
      found.push(...(await climb(context, effort, from)));
    }
    yield* bestOf(found, count);
  },
};

/** The steps from a subset to one that no neighbour improves on, or until the effort is spent. */
export async function climb(context: SamplerContext, effort: Effort, from: Scored): Promise<Scored[]> {
  const path = [from];
  while (!effort.isSpent) {
    const here = path.at(-1) as Scored;
    const neighbours = neighboursOf(here.mixture, context);
    if (neighbours.length === 0) break;
    const [best] = (await effort.score(neighbours)) as [Scored];
    if (best.score <= here.score) break;
    path.push(best);
  }
  return path;
}

function neighboursOf(mixture: Mixture, { poolSize, random }: SamplerContext): Mixture[] {
  const others = [...Array(poolSize).keys()].filter((model) => mixture.weights[model] === 0);
  const near = [...oneMore(mixture), ...oneLess(mixture)];
  const all = near.length + mixture.size * others.length;
  const chosen = all <= MOST_NEIGHBOURS ? [...Array(all).keys()] : random.subset(all, MOST_NEIGHBOURS);
  return chosen.map((neighbour) => {
    const one = near[neighbour];
    if (one !== undefined) return one;
    const pair = neighbour - near.length;
    const dropped = Math.floor(pair / others.length);
    const kept = mixture.ingredients.filter((_, index) => index !== dropped);
    return Mixture.uniform(poolSize, [...kept, others[pair % others.length] as number]);
  });
}
