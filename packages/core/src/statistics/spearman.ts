import { ranksOf } from './ranks.js';
import { studentTail } from './student.js';
import { deviations, type Interval } from './wilson.js';

export interface RankCorrelation {
  /** Spearman's ρ in [−1, 1]; NaN where either list does not vary. */
  readonly rho: number;
  /** Two-sided, against no association, by Student's t with n − 2 degrees of freedom; NaN for fewer than 3 pairs. */
  readonly pValue: number;
  /**
   * By Fisher's z, artanh ρ, with the standard error √((1 + ρ²/2) / (n − 3)) of Bonett and Wright (2000), which keeps its
   * coverage for ρ far from 0; [−1, 1] for fewer than 4 pairs.
   */
  readonly interval: Interval;
}

/**
 * Spearman's rank correlation: the correlation of ranks, equal values sharing the mean of theirs (Spearman 1904). Pairs are
 * taken as independent; soups that share models are not quite, so p-values are smaller than they should be.
 * @param a, b numbers of equal length, none NaN @param confidence in (0, 1)
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>, confidence = 0.95): RankCorrelation {
  if (a.length !== b.length)
    throw new RangeError(`Expected lists of one length but received ${a.length} and ${b.length}`);
  const n = a.length;
  const [x, y] = [ranksOf(a).ranks, ranksOf(b).ranks];
  const middle = (n + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [dx, dy] = [(x[i] as number) - middle, (y[i] as number) - middle];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  const size = Math.sqrt(xx * yy);
  // Ranks are multiples of ½ and products of ¼, so sums are exact and ρ = ±1 comes out as such.
  const rho = Math.max(-1, Math.min(1, xy / size));
  if (Number.isNaN(rho)) return { rho, pValue: Number.NaN, interval: { lower: -1, upper: 1 } };
  const share = ((size - xy) / size) * ((size + xy) / size);
  const pValue = n < 3 ? Number.NaN : studentTail(Math.max(0, share), rho * rho, n - 2);
  return { rho, pValue, interval: intervalOf(rho, n, confidence) };
}

function intervalOf(rho: number, n: number, confidence: number): Interval {
  if (n < 4) return { lower: -1, upper: 1 };
  const half = deviations(confidence) * Math.sqrt((1 + (rho * rho) / 2) / (n - 3));
  const z = Math.atanh(rho);
  return { lower: Math.tanh(z - half), upper: Math.tanh(z + half) };
}
