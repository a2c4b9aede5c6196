import { Mixture } from '../mixture/index.js';
import { Effort } from './effort.js';
import type { Criterion } from './ensemble-scores.js';
import { walk } from './path.js';
import type { Sampler } from './sampler.js';
import { bestOf, climbing, nameBy, type Scored, scoreSingles } from './scored.js';

/**
 * Forward selection: from the best single model, add the model that makes the best ensemble, again and again. Every step is a
 * candidate. Cost: at most N mixtures a step.
 */
export function forward(criterion: Criterion): Sampler {
  return {
    name: nameBy('forward', criterion),
    ...climbing(criterion),
    async *sample(context) {
      const [start] = (await scoreSingles(context, criterion)) as [Scored];
      yield* bestOf(await walk(new Effort(context, criterion), context.count, start, oneMore), context.count);
    },
  };
}

/** The uniform subsets with one model more. */
export function oneMore({ ingredients, weights }: Mixture): Mixture[] {
  const others = [...weights.keys()].filter((model) => weights[model] === 0);
  return others.map((model) => Mixture.uniform(weights.length, [...ingredients, model]));
}
