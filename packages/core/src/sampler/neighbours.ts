import { Mixture } from '../mixture/index.js';

/** The uniform subsets that differ from this one by a model more, a model less, or one in place of another. */
export function neighbours({ ingredients, weights }: Mixture): Mixture[] {
  const size = weights.length;
  const others = Array.from({ length: size }, (_, model) => model).filter((model) => weights[model] === 0);
  const without = ingredients.map((_, index) => ingredients.toSpliced(index, 1));
  return [
    ...others.map((model) => [...ingredients, model]),
    ...(ingredients.length > 1 ? without : []),
    ...without.flatMap((kept) => others.map((model) => [...kept, model])),
  ].map((members) => Mixture.uniform(size, members));
}
