import { upperTail } from './normal.js';
import { ranksOf } from './ranks.js';

export interface MannWhitney {
  /** Pairs (x, y) with x > y, and half of those with x = y. */
  readonly u: number;
  /** Two-sided. */
  readonly pValue: number;
  /** U / (n₁ n₂): how often a random x is above a random y, ties counted half; ½ where neither tends to be larger. */
  readonly superiority: number;
  readonly method: 'exact' | 'asymptotic';
}

/** Up to so many numbers in the smaller list, `auto` is exact where there are no ties. */
const SMALL = 8;
/** Numbers in both lists together that the exact distribution is counted for. */
const MOST_EXACT = 400;

/**
 * The U test of Mann and Whitney (1947): whether numbers of one list tend to be larger than those of another.
 * `asymptotic`: normal, with correction for ties and for continuity; `exact`: by the distribution of U over all orders, which
 * takes all numbers to differ; `auto`: exact where there are no ties and one list has at most 8. NaN p-value where all are equal.
 * @param x, y at least one number each, none NaN
 * @throws RangeError for empty lists, and for `exact` with ties or more than 400 numbers, whose counts overflow
 */
export function mannWhitney(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  method: MannWhitney['method'] | 'auto' = 'auto',
): MannWhitney {
  const [first, second] = [x.length, y.length];
  const total = first + second;
  if (first === 0 || second === 0) throw new RangeError('Expected two lists of numbers but received an empty one');
  const { ranks, ties } = ranksOf([...Array.from(x), ...Array.from(y)]);
  const u = ranks.subarray(0, first).reduce((sum, rank) => sum + rank, 0) - (first * (first + 1)) / 2;
  const larger = Math.max(u, first * second - u);
  const found = { u, superiority: u / (first * second) };
  if (method === 'exact' && (ties > 0 || total > MOST_EXACT)) {
    throw new RangeError(`Expected at most ${MOST_EXACT} different numbers for an exact U test but received others`);
  }
  if (
    method === 'exact' ||
    (method === 'auto' && ties === 0 && Math.min(first, second) <= SMALL && total <= MOST_EXACT)
  ) {
    return { ...found, pValue: Math.min(1, 2 * exactTail(larger, first, second)), method: 'exact' };
  }
  const variance = ((first * second) / 12) * (total + 1 - ties / (total * (total - 1)));
  const z = (larger - (first * second) / 2 - 0.5) / Math.sqrt(variance);
  // Half a step below the middle is the middle: both tails together are everything.
  const pValue = variance === 0 ? Number.NaN : z <= 0 ? 1 : 2 * upperTail(z);
  return { ...found, pValue, method: 'asymptotic' };
}

/** P(U ≥ u) over all orders of n₁ + n₂ different numbers, an integer u ≥ n₁ n₂ / 2: by symmetry the orders with U ≤ n₁ n₂ − u. */
function exactTail(u: number, first: number, second: number): number {
  const most = first * second - u;
  const [few, many] = [Math.min(first, second), Math.max(first, second)];
  // rows[m][v]: the orders of m and the current number of others with U = v: the largest of all is either one of the m,
  // which is above all others, or one of the others, which adds nothing.
  let rows: Float64Array[] = Array.from({ length: many + 1 }, () =>
    Float64Array.of(1, ...new Array<number>(most).fill(0)),
  );
  for (let others = 1; others <= few; others++) {
    const next: Float64Array[] = [Float64Array.of(1, ...new Array<number>(most).fill(0))];
    for (let m = 1; m <= many; m++) {
      const [above, row] = [next[m - 1] as Float64Array, Float64Array.from(rows[m] as Float64Array)];
      for (let v = others; v <= most; v++) row[v] = (row[v] as number) + (above[v - others] as number);
      next.push(row);
    }
    rows = next;
  }
  const favourable = (rows[many] as Float64Array).reduce((sum, count) => sum + count, 0);
  let orders = 1;
  for (let k = 1; k <= few; k++) orders = (orders * (many + k)) / k;
  return favourable / orders;
}
