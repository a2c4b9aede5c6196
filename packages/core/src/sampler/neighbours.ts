import { Mixture } from '../mixture/index.js';

/**
 * The uniform subsets that differ from this one's by a model more, a model less, or one in place of another.
 * @param order the models that are to come in place of others first
 * @param mostSwaps bounds how many: of N models and subsets of k there are k (N − k)
 */
export function neighbours(
  { ingredients, weights }: Mixture,
  order: readonly number[] = [...weights.keys()],
  mostSwaps = Number.POSITIVE_INFINITY,
): Mixture[] {
  const poolSize = weights.length;
  const others = order.filter((model) => weights[model] === 0);
  const swappedIn = others.slice(0, Math.max(1, Math.floor(mostSwaps / ingredients.length)));
  const without = ingredients.map((_, index) => ingredients.toSpliced(index, 1));
  return [
    ...others.map((model) => [...ingredients, model]),
    ...(ingredients.length > 1 ? without : []),
    ...without.flatMap((kept) => swappedIn.map((model) => [...kept, model])),
  ].map((members) => Mixture.uniform(poolSize, members));
}
