import { memberSums } from './member-sums.js';
import { type SubsetScores, scoreOf, sizeOf } from './subset-scores.js';

/**
 * The value of no model, v(∅): the mean score of the single models, that of a model picked blindly. So the values of a pool's
 * models add up to what the ensemble of all gains over an average model, for every metric alike. Another choice, v(∅) + δ,
 * would lower every Shapley value by δ/N and raise every interaction by δ/(N − 1): orders and differences do not depend on it.
 */
export function emptyScore(singles: ArrayLike<number>): number {
  return Array.from(singles).reduce((sum, score) => sum + score, 0) / singles.length;
}

/** Shapley values, exact. */
export interface ExactShapley {
  /** Shape [N], in the metric's unit; they add up to v(all) − v(∅). */
  readonly values: Float64Array;
  /** Shape [N, N], symmetric: the interaction of each pair; 0 on the diagonal. */
  readonly interactions: Float64Array;
}

/**
 * From the scores of all subsets (Shapley 1953; interactions: Grabisch and Roubens 1999),
 *   φ_k = Σ_{S ∌ k} |S|! (N − |S| − 1)! / N! · (v(S ∪ k) − v(S)),
 *   I_ij = Σ_{S ∌ i, j} |S|! (N − |S| − 2)! / (N − 1)! · (v(S ∪ ij) − v(S ∪ i) − v(S ∪ j) + v(S)).
 * A score's part in them depends on the size of its subset and on which of k, or i and j, are in it, so both are sums over the
 * subsets that contain them. Cost: three rounds of `memberSums`, 8 · 2^N bytes.
 */
export function exactShapley(scores: SubsetScores, empty: number, signal?: AbortSignal): ExactShapley {
  const { poolSize: size } = scores;
  // Weights by the size of S, 0 where there is no such S.
  const one = Float64Array.from({ length: size + 1 }, (_, s) => (s < size ? 1 / (size * binomial(size - 1, s)) : 0));
  const two = Float64Array.from({ length: size + 1 }, (_, s) =>
    s < size - 1 ? 1 / ((size - 1) * binomial(size - 2, s)) : 0,
  );
  const [before, both] = [one, two].map((weights) => (s: number) => weights[s] ?? 0) as [Weight, Weight];
  const alone = weightedSums(scores, empty, (s) => before(s - 1) + before(s), signal);
  const without = totalOf(scores, empty, before);
  const joined = weightedSums(scores, empty, (s) => both(s - 2) + 2 * both(s - 1) + both(s), signal);
  const either = weightedSums(scores, empty, (s) => both(s - 1) + both(s), signal);
  const neither = totalOf(scores, empty, both);
  return {
    values: alone.single.map((sum) => sum - without),
    interactions: joined.pair.map((sum, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      return i === j ? 0 : sum - (either.single[i] as number) - (either.single[j] as number) + neither;
    }),
  };
}

type Weight = (size: number) => number;

function weightedSums(scores: SubsetScores, empty: number, weight: Weight, signal: AbortSignal | undefined) {
  signal?.throwIfAborted();
  const bySize = Float64Array.from({ length: scores.poolSize + 1 }, (_, s) => weight(s));
  const values = new Float64Array(2 ** scores.poolSize);
  values[0] = empty * (bySize[0] as number);
  for (let mask = 1; mask < values.length; mask++) {
    values[mask] = scoreOf(scores, mask) * (bySize[sizeOf(mask)] as number);
  }
  return memberSums(scores.poolSize, values);
}

/** Σ_S weight(|S|) v(S). */
function totalOf(scores: SubsetScores, empty: number, weight: Weight): number {
  const { poolSize, raw } = scores;
  const totals = new Float64Array(poolSize + 1);
  for (let mask = 1; mask < raw.length; mask++) {
    const size = sizeOf(mask);
    totals[size] = (totals[size] as number) + (raw[mask] as number);
  }
  return totals.reduce((sum, total, s) => sum + weight(s) * (s === 0 ? empty : total / scores.divisor), 0);
}

function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i;
  return value;
}
