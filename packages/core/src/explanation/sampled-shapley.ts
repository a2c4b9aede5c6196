import type { Random } from '../random.js';
import type { EnsembleScores } from '../sampler/index.js';
import { DistinctSubsets } from './distinct-subsets.js';

/** Shapley values, estimated. */
export interface SampledShapley {
  /** Shape [N]; they add up to v(all) − v(∅) to rounding. */
  readonly values: Float64Array;
  /** Shape [N]: their standard errors. */
  readonly errors: Float64Array;
  /** Shape [N]: v(all) − v(all \ k), exact. */
  readonly leaveOneOut: Float64Array;
  /** v(all). */
  readonly all: number;
  /** Subsets that were scored. */
  readonly evaluations: number;
}

/** Subsets that `sampledShapley` scores for a pair of permutations beyond the 2N + 1 that it always does. */
export function subsetsOfPair(poolSize: number): number {
  return Math.max(2 * (poolSize - 3), 1);
}

/**
 * Shapley values by random permutations: φ_k is the mean of what k adds to the models before it (Castro, Gómez and Tejada
 * 2009). What a model adds when it comes first or last is computed and not sampled: the first steps vary most. Permutations
 * come in pairs, one the reverse of the other, so that a model that comes early in one comes late in the other. In every
 * pair, what is missing from the sum that the values must have is shared equally. Unbiased; one call of `scores` for all subsets.
 * @param empty v(∅) @param pairs ≥ 1, of permutations; errors are their standard deviation / √pairs, NaN for one
 */
export async function sampledShapley(
  ensemble: EnsembleScores,
  singles: Float64Array,
  empty: number,
  pairs: number,
  random: Random,
  signal?: AbortSignal,
): Promise<SampledShapley> {
  const size = ensemble.poolSize;
  const everyone = [...Array(size).keys()];
  const orders = Array.from({ length: pairs }, () => [...random.permutation(size)]);
  const subsets = new DistinctSubsets(size);
  const allKey = subsets.add(everyone);
  const withoutKeys = everyone.map((k) => subsets.add(everyone.toSpliced(k, 1)));
  // The score after each step, by key: lengths 1 … N.
  const walks = orders
    .flatMap((order) => [order, order.toReversed()])
    .map((order) => ({
      order,
      keys: order.map((_, step) => (step === 0 ? '' : subsets.add(order.slice(0, step + 1)))),
    }));
  const scores = await subsets.scores(ensemble, signal);
  const all = scores.get(allKey) as number;
  const without = Float64Array.from(withoutKeys, (key) => scores.get(key) ?? empty);
  const ends = Float64Array.from(singles, (single, k) =>
    size === 1 ? all - empty : (single - empty + all - (without[k] as number)) / size,
  );
  const missing = all - empty - ends.reduce((sum, value) => sum + value, 0);
  const middles = orders.map((_, pair) => {
    const sum = new Float64Array(size);
    for (const { order, keys } of walks.slice(2 * pair, 2 * pair + 2)) {
      let before = singles[order[0] as number] as number;
      for (let step = 1; step < size - 1; step++) {
        const after = scores.get(keys[step] as string) as number;
        const k = order[step] as number;
        sum[k] = (sum[k] as number) + (after - before) / 2;
        before = after;
      }
    }
    const share = (missing - sum.reduce((total, value) => total + value, 0)) / size;
    return sum.map((value) => value + share);
  });
  const mean = everyone.map((k) => meanOf(middles.map((values) => values[k] as number)));
  return {
    values: ends.map((end, k) => end + (mean[k] as number)),
    errors: Float64Array.from(mean, (centre, k) =>
      standardError(
        middles.map((values) => values[k] as number),
        centre,
      ),
    ),
    leaveOneOut: without.map((score) => all - score),
    all,
    evaluations: subsets.size,
  };
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the mean of independent draws, at least two. */
export function standardError(values: readonly number[], mean: number): number {
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
