import type { Metric } from '../metric/index.js';

/** A score and the variance of its error. */
export interface Estimate {
  readonly score: number;
  readonly variance: number;
}

/** What an evaluation found that was stopped. */
export interface Part {
  readonly metric: Metric;
  /** What the mixture has on each sample, [M]; see `Difficulty`. */
  readonly advantages: Float64Array;
  /** All samples, those that were evaluated first. */
  readonly order: Uint32Array;
  /** How many were. */
  readonly seen: number;
  /** What the soup got on them: right samples, or negated losses. */
  readonly total: number;
  /** Where right samples are counted: 1, 0 or `NOT_EVALUATED` for each. */
  readonly correct?: Uint8Array;
  /** The most that the score can be. */
  readonly most: number;
}

/**
 * Softness of a soup's answers, in units of the samples' mean absolute advantage: with softness s a sample of advantage a is
 * right with probability 1 / (1 + exp(−a / s)). A healthy soup's is a few hundredths; that of a ruined one is infinite.
 */
const USUAL_SOFTNESS = Number(process.env.US ?? 0.03);
const SOFTNESS_SPREAD = Math.log(Number(process.env.SS ?? 2));
const SOFTNESSES = Array.from({ length: 21 }, (_, step) => USUAL_SOFTNESS * 2 ** (step - 4));

/**
 * The score that a stopped soup would have had. Of what it was not evaluated on it gets right what its softness says, the most
 * probable one after what was seen; and by cross-entropy, it loses there so many times the models' mean loss as where it was
 * seen.
 */
export function estimateFromPart(part: Part): Estimate {
  return part.correct === undefined ? byLosses(part) : byCounts(part, part.correct);
}

function byCounts({ metric, advantages, order, seen, total, most }: Part, correct: Uint8Array): Estimate {
  const samples = advantages.length;
  const unit = advantages.reduce((sum, a) => sum + (Number.isFinite(a) ? Math.abs(a) : 0), 0) / samples || 1;
  const evaluated = order.subarray(0, seen);
  let [softness, highest] = [USUAL_SOFTNESS, Number.NEGATIVE_INFINITY];
  for (const tried of SOFTNESSES) {
    let logPosterior = -0.5 * (Math.log(tried / USUAL_SOFTNESS) / SOFTNESS_SPREAD) ** 2;
    for (const sample of evaluated) {
      const chance = chanceOf(advantages[sample] as number, tried * unit);
      logPosterior += Math.log(correct[sample] === 1 ? chance : 1 - chance);
    }
    if (logPosterior > highest) [softness, highest] = [tried, logPosterior];
  }
  let [right, variance] = [total, 0];
  for (const sample of order.subarray(seen)) {
    const chance = chanceOf(advantages[sample] as number, softness * unit);
    right += chance;
    variance += chance * (1 - chance);
  }
  return { score: Math.min(most, metric.score(right, samples)), variance: variance / samples ** 2 };
}

/** Never quite 0 or 1: a label can be wrong whatever the models say. */
function chanceOf(advantage: number, softness: number): number {
  return LEAST_CHANCE + (1 - 2 * LEAST_CHANCE) / (1 + Math.exp(-advantage / softness));
}
const LEAST_CHANCE = 1e-3;

function byLosses({ advantages, order, seen, total, most }: Part): Estimate {
  const sum = (some: Uint32Array) => some.reduce((all, sample) => all + (advantages[sample] as number), 0);
  const [expected, rest] = [sum(order.subarray(0, seen)), sum(order.subarray(seen))];
  const ratio = expected === 0 ? 1 : total / expected;
  const left = (ratio * rest) / advantages.length;
  return { score: Math.min(most, total / advantages.length + left), variance: (RATIO_ERROR * left) ** 2 };
}
/** Relative standard deviation of that ratio elsewhere. */
const RATIO_ERROR = 0.2;
