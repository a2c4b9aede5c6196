import { Mixture } from '../mixture/index.js';

/**
 * The mixtures in which one model counts more, or one ingredient less, by the mean weight of an ingredient. From a uniform
 * subset these are its ingredients counted twice, and subsets with a model more or less.
 */
export function reweightings({ ingredients, weights }: Mixture): Mixture[] {
  const step = 1 / ingredients.length;
  const more = [...weights.keys()].map((model) => moved(weights, model, step));
  const less = ingredients.length > 1 ? ingredients.map((model) => moved(weights, model, -step)) : [];
  return [...more, ...less];
}

function moved(weights: Float64Array, model: number, by: number): Mixture {
  const raw = Array.from(weights, (weight, index) => (index === model ? Math.max(0, weight + by) : weight));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return Mixture.of(raw.map((weight) => weight / total));
}
