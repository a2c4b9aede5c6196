import { Mixture } from '../mixture/index.js';
import type { EnsembleScores } from '../sampler/index.js';

/** v(S) of every uniform subset of a pool: the score of its averaged logits. */
export interface SubsetScores {
  readonly poolSize: number;
  /** Shape [2^N], index = bit mask of S: v(S) · divisor. What is at 0 means nothing. */
  readonly raw: ArrayLike<number>;
  readonly divisor: number;
}

/**
 * All 2^N scores: as counts of the bank where there is one and N ≤ 24 (4 bytes each, and 8 more while sums are taken), else by
 * scoring each.
 */
export async function everySubset(ensemble: EnsembleScores, signal?: AbortSignal): Promise<SubsetScores> {
  const { poolSize, samples } = ensemble;
  const counts = await ensemble.subsetCounts?.(signal);
  if (counts !== undefined) return { poolSize, raw: counts, divisor: samples };
  const members = [...Array(poolSize).keys()];
  const mixtures = Array.from({ length: 2 ** poolSize - 1 }, (_, index) =>
    Mixture.uniform(
      poolSize,
      members.filter((k) => ((index + 1) >>> k) & 1),
    ),
  );
  const scores = await ensemble.scores(mixtures, 'metric', signal);
  const raw = new Float64Array(2 ** poolSize);
  raw.set(scores, 1);
  return { poolSize, raw, divisor: 1 };
}

/** v(S). */
export function scoreOf({ raw, divisor }: SubsetScores, mask: number): number {
  return (raw[mask] as number) / divisor;
}

/** Number of members of a subset of at most 31. */
export function sizeOf(mask: number): number {
  let rest = mask - ((mask >>> 1) & 0x55555555);
  rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
