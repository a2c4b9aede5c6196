import { Mixture } from '../mixture/index.js';
import { Effort } from './effort.js';
import type { Criterion } from './ensemble-scores.js';
import { walk } from './path.js';
import type { Sampler } from './sampler.js';
import { bestOf, climbing, nameBy, type Scored, scoreSingles } from './scored.js';

/**
 * Selection with replacement (Caruana et al., "Ensemble selection from libraries of models", ICML 2004): a model may be added
 * again, and its weight is how often it was. From the best single model; every step is a candidate. Cost: N mixtures a step.
 */
export function withReplacement(criterion: Criterion): Sampler {
  return {
    name: nameBy('with-replacement', criterion),
    ...climbing(criterion),
    async *sample(context) {
      const [start] = (await scoreSingles(context, criterion)) as [Scored];
      // Adding a model to itself changes no mixture, so the counts are kept beside the path and not read off the weights.
      let counts: readonly number[] = Array.from(start.mixture.weights);
      let steps = new Map<string, readonly number[]>();
      const path = await walk(new Effort(context, criterion), context.count, start, ({ key }) => {
        counts = steps.get(key) ?? counts;
        steps = new Map();
        return [...counts.keys()].map((model) => {
          const added = counts.map((count, index) => (index === model ? count + 1 : count));
          const total = added.reduce((sum, count) => sum + count, 0);
          const mixture = Mixture.of(added.map((count) => count / total));
          steps.set(mixture.key, added);
          return mixture;
        });
      });
      yield* bestOf(path, context.count);
    },
  };
}
