import { Mixture } from '../mixture/index.js';
import { Effort } from './effort.js';
import type { Criterion } from './ensemble-scores.js';
import type { Sampler, SamplerContext } from './sampler.js';
import { bestOf, climbing, nameBy, type Scored } from './scored.js';

/** Up to here one model is dropped at a time; above it, where leaving out one of many hardly matters, a quarter. */
const ONE_BY_ONE = 32;

/**
 * Backward elimination: from all models, drop the model without which the ensemble is best, down to one model. Of more than
 * 32 models the quarter goes without which, one by one, it is best. Every step is a candidate. Cost: at most N mixtures a
 * step, and log N steps above 32 models.
 */
export function backward(criterion: Criterion): Sampler {
  return {
    name: nameBy('backward', criterion),
    ...climbing(criterion),
    async *sample(context) {
      yield* bestOf(await eliminate(context, criterion), context.count);
    },
  };
}

async function eliminate(context: SamplerContext, criterion: Criterion): Promise<Scored[]> {
  const { poolSize } = context;
  let mixture = Mixture.uniform(poolSize, [...Array(poolSize).keys()]);
  const effort = new Effort(context, criterion);
  const path = await effort.score([mixture]);
  while (mixture.size > 1 && !effort.isSpent) {
    const without = await effort.score(oneLess(mixture));
    if (mixture.size <= ONE_BY_ONE) {
      path.push(without[0] as Scored);
      mixture = (without[0] as Scored).mixture;
      continue;
    }
    const { ingredients } = mixture;
    const dropped = new Set(
      without
        .slice(0, Math.min(Math.floor(mixture.size / 4), mixture.size - ONE_BY_ONE))
        .map((one) => ingredients.find((model) => one.mixture.weights[model] === 0)),
    );
    mixture = Mixture.uniform(
      poolSize,
      ingredients.filter((model) => !dropped.has(model)),
    );
    path.push(...(await effort.score([mixture])));
  }
  return path;
}

/** The uniform subsets with one model less. */
export function oneLess({ ingredients, weights }: Mixture): Mixture[] {
  if (ingredients.length === 1) return [];
  return ingredients.map((dropped) =>
    Mixture.uniform(
      weights.length,
      ingredients.filter((model) => model !== dropped),
    ),
  );
}
