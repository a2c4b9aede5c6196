import { Mixture } from '../mixture/index.js';
import type { Random } from '../random.js';
import { Effort } from './effort.js';
import type { Sampler } from './sampler.js';
import { bestOf, compareScored, type Scored } from './scored.js';

const POPULATION = 64;

/** Generations at most, and those without a new best after which it ends. */
const GENERATIONS = 30;
const PATIENCE = 8;

/**
 * A genetic algorithm on uniform subsets by the metric (named as future work in RADIN, 6): of each model, a child takes its
 * presence from either of two parents, each the better of two drawn ones, and on average one model changes sides. The best
 * of parents and children live on; all subsets that were scored may be candidates. Cost: at most 31 × 64 mixtures.
 */
export const genetic: Sampler = {
  name: 'genetic',
  async *sample(context) {
    const { poolSize, random, count } = context;
    const effort = new Effort(context, 'metric');
    const known = new Map<string, Scored>();
    /** Scores the subsets that are new. */
    const add = async (subsets: readonly Mixture[]) => {
      const fresh = new Map(subsets.filter(({ key }) => !known.has(key)).map((mixture) => [mixture.key, mixture]));
      if (fresh.size === 0) return;
      for (const one of await effort.score([...fresh.values()])) known.set(one.mixture.key, one);
    };
    const fittest = () => [...known.values()].sort(compareScored).slice(0, POPULATION);
    await add(Array.from({ length: POPULATION }, () => drawSubset(poolSize, random)));
    let parents = fittest();
    for (let generation = 0, since = 0; generation < GENERATIONS && since < PATIENCE && !effort.isSpent; generation++) {
      await add(
        Array.from({ length: POPULATION }, () => cross(choose(parents, random), choose(parents, random), random)),
      );
      const { score } = parents[0] as Scored;
      parents = fittest();
      since = (parents[0] as Scored).score > score ? 0 : since + 1;
    }
    yield* bestOf([...known.values()], count);
  },
};

/** A random subset; small ones are favoured, because good soups are often small. */
function drawSubset(poolSize: number, random: Random): Mixture {
  const most = 1 + random.below(poolSize);
  return Mixture.uniform(poolSize, random.subset(poolSize, 1 + random.below(most)));
}

/** The better of two drawn ones; `parents` is in the order of their scores. */
function choose(parents: readonly Scored[], random: Random): Mixture {
  const [first, second] = [random.below(parents.length), random.below(parents.length)];
  return (parents[Math.min(first, second)] as Scored).mixture;
}

function cross(mother: Mixture, father: Mixture, random: Random): Mixture {
  const poolSize = mother.weights.length;
  const members = [...Array(poolSize).keys()].filter((model) => {
    const parent = random.below(2) === 0 ? mother : father;
    const isIn = (parent.weights[model] as number) > 0;
    return random.below(poolSize) === 0 ? !isIn : isIn;
  });
  return Mixture.uniform(poolSize, members.length > 0 ? members : [random.below(poolSize)]);
}
