import { Mixture } from '../mixture/index.js';
import { oneLess } from './backward.js';
import type { Criterion } from './ensemble-scores.js';
import { oneMore } from './forward.js';
import type { Sampler, SamplerContext } from './sampler.js';
import { bestOf, type Scored, scoreAll, scoreSingles } from './scored.js';

/** Local searches: one from the best single model, the others from random subsets of up to MOST_AT_START models. */
const STARTS = 8;
const MOST_AT_START = 8;

/** Neighbours that are looked at in a step; where there are more, a random choice of the swaps is left out. */
const MOST_NEIGHBOURS = 512;

/** Mixtures that all local searches together may score: under a second for 200 models × 10,000 samples × 100 classes. */
const MOST_SCORED = 5000;

/**
 * Local search by the metric with restarts: add a model, drop one or swap one for another, whichever is best, as long as the
 * score grows. The ends of all steps are candidates. Cost: at most 5,000 mixtures.
 */
export const swaps: Sampler = {
  name: 'swaps',
  async *sample(context) {
    const { poolSize, random, count } = context;
    const [single] = (await scoreSingles(context, 'metric')) as [Scored];
    const found: Scored[] = [];
    let left = MOST_SCORED;
    for (let start = 0; start < STARTS && left > 0; start++) {
      const size = 1 + random.below(Math.min(poolSize, MOST_AT_START));
      const drawn = Mixture.uniform(poolSize, random.subset(poolSize, size));
      const from = start === 0 ? single : ((await scoreAll(context, [drawn], 'metric'))[0] as Scored);
      const climbed = await climb(context, 'metric', from, left);
      found.push(...climbed.path);
      left -= climbed.scored;
    }
    yield* bestOf(found, count);
  },
};

/** The steps from a subset to one that no neighbour improves on, or until `most` mixtures were scored. */
export async function climb(
  context: SamplerContext,
  criterion: Criterion,
  from: Scored,
  most: number,
): Promise<{ path: Scored[]; scored: number }> {
  const path = [from];
  let scored = 0;
  while (scored < most) {
    const here = path.at(-1) as Scored;
    const neighbours = neighboursOf(here.mixture, context);
    if (neighbours.length === 0) break;
    scored += neighbours.length;
    const [best] = (await scoreAll(context, neighbours, criterion)) as [Scored];
    if (best.score <= here.score) break;
    path.push(best);
  }
  return { path, scored };
}

function neighboursOf(mixture: Mixture, { poolSize, random }: SamplerContext): Mixture[] {
  const others = [...Array(poolSize).keys()].filter((model) => mixture.weights[model] === 0);
  const near = [...oneMore(mixture), ...oneLess(mixture)];
  const pairs = mixture.size * others.length;
  const room = Math.max(0, MOST_NEIGHBOURS - near.length);
  const chosen = pairs <= room ? [...Array(pairs).keys()] : random.subset(pairs, room);
  const swapped = chosen.map((pair) => {
    const dropped = Math.floor(pair / others.length);
    const kept = mixture.ingredients.filter((_, index) => index !== dropped);
    return Mixture.uniform(poolSize, [...kept, others[pair % others.length] as number]);
  });
  return [...near, ...swapped];
}
