import type { PartTotals } from './part-totals.js';

/** What an evaluation found that was stopped. */
export interface Part {
  readonly scoreOf: PartTotals['score'];
  /** What the mixture has on each sample, [M]; see `Difficulty`. */
  readonly advantages: Float64Array;
  /** All samples, those that were evaluated first. */
  readonly order: Uint32Array;
  /** How many were. */
  readonly seen: number;
  /** What the soup got on them (`PartTotals`). */
  readonly total: number;
  /** Where samples are right or wrong: 1, 0 or `NOT_EVALUATED` for each. */
  readonly correct?: Uint8Array;
  /** The most that the score can be. */
  readonly most: number;
}

/**
 * The score that a stopped soup is expected to have. By counts, the soup is one of two kinds, whichever makes what was seen more
 * probable: healthy, then it is right on the rest where its ensemble is, or ruined, then it is right on the rest as rarely as
 * on what was seen. Else it gets, or loses, on the rest so many times what its models do on average as on what was seen.
 */
export function estimateFromPart(part: Part): number {
  return Math.min(part.most, part.correct === undefined ? byRatio(part) : byCounts(part, part.correct));
}

/**
 * Softness of a healthy soup, in units of the samples' mean absolute advantage: with softness s it is right on a sample of
 * advantage a with probability 1 / (1 + exp(−a / s)).
 */
const SOFTNESSES = [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4];
/** Never quite 0 or 1: a label can be wrong whatever the models say. */
const LEAST_CHANCE = 1e-3;
/** How much less probable a ruined soup is before anything was seen, as a logarithm: most candidates are healthy. */
const LOG_PRIOR_ODDS = Math.log(1e4);

function byCounts({ scoreOf, advantages, order, seen, total }: Part, correct: Uint8Array): number {
  const samples = advantages.length;
  const unit = advantages.reduce((sum, a) => sum + (Number.isFinite(a) ? Math.abs(a) : 0), 0) / samples || 1;
  const rate = (total + 0.5) / (seen + 1);
  const asRuined = total * Math.log(rate) + (seen - total) * Math.log(1 - rate);
  const asHealthy = SOFTNESSES.map((softness) => {
    let logLikelihood = 0;
    for (const sample of order.subarray(0, seen)) {
      const chance =
        LEAST_CHANCE + (1 - 2 * LEAST_CHANCE) / (1 + Math.exp(-(advantages[sample] as number) / (softness * unit)));
      logLikelihood += Math.log(correct[sample] === 1 ? chance : 1 - chance);
    }
    return logLikelihood;
  });
  if (asRuined > Math.max(...asHealthy) + LOG_PRIOR_ODDS) return scoreOf(total + rate * (samples - seen));
  let right = total;
  for (const sample of order.subarray(seen)) right += (advantages[sample] as number) > 0 ? 1 : 0;
  return scoreOf(right);
}

function byRatio({ scoreOf, advantages, order, seen, total }: Part): number {
  const sum = (some: Uint32Array) => some.reduce((all, sample) => all + (advantages[sample] as number), 0);
  const [expected, rest] = [sum(order.subarray(0, seen)), sum(order.subarray(seen))];
  return scoreOf(total + (expected === 0 ? rest : (total / expected) * rest));
}
