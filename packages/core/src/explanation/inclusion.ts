import type { Mixture } from '../mixture/index.js';
import { memberSums } from './member-sums.js';
import type { SubsetScores } from './subset-scores.js';

/** Share of the best that is looked at. */
const BEST_SHARE = 0.01;

/** How often models are among the best candidates. */
export interface Inclusion {
  /** How many are the best, of how many. */
  readonly best: number;
  readonly candidates: number;
  /** Shape [N]: the share of the best that contain the model. */
  readonly shares: Float64Array;
  /** Shape [N]: the share of all candidates that contain it, what would be expected if it made no difference. */
  readonly expected: Float64Array;
}

/** Among all 2^N − 1 subsets by their scores; of those that tie for the last places, each counts in part. */
export function inclusionOfSubsets({ poolSize, raw }: SubsetScores): Inclusion {
  const candidates = raw.length - 1;
  const best = Math.ceil(BEST_SHARE * candidates);
  const counts = new Map<number, number>();
  for (let mask = 1; mask < raw.length; mask++) {
    const score = raw[mask] as number;
    counts.set(score, (counts.get(score) ?? 0) + 1);
  }
  const weightOf = tieWeights(counts, best);
  const values = new Float64Array(raw.length);
  for (let mask = 1; mask < raw.length; mask++) values[mask] = weightOf(raw[mask] as number);
  const shares = memberSums(poolSize, values).single.map((sum) => sum / best);
  return { best, candidates, shares, expected: new Float64Array(poolSize).fill(2 ** (poolSize - 1) / candidates) };
}

/** The same among listed candidates, one at least. @param scores of their averaged logits */
export function inclusionOfCandidates(mixtures: readonly Mixture[], scores: ArrayLike<number>): Inclusion {
  const size = mixtures[0]?.weights.length ?? 0;
  const best = Math.ceil(BEST_SHARE * mixtures.length);
  const counts = new Map<number, number>();
  for (const score of Array.from(scores)) counts.set(score, (counts.get(score) ?? 0) + 1);
  const weightOf = tieWeights(counts, best);
  const [shares, expected] = [new Float64Array(size), new Float64Array(size)];
  for (const [at, { ingredients }] of mixtures.entries()) {
    for (const k of ingredients) {
      shares[k] = (shares[k] as number) + weightOf(scores[at] as number) / best;
      expected[k] = (expected[k] as number) + 1 / mixtures.length;
    }
  }
  return { best, candidates: mixtures.length, shares, expected };
}

/** 1 above the score at which the best end, 0 below it, and on it the part of its candidates that there is room for. */
function tieWeights(counts: ReadonlyMap<number, number>, best: number): (score: number) => number {
  let room = best;
  for (const score of [...counts.keys()].sort((a, b) => b - a)) {
    const here = counts.get(score) as number;
    if (here >= room) {
      const part = room / here;
      return (other) => (other > score ? 1 : other === score ? part : 0);
    }
    room -= here;
  }
  return () => 1;
}
