/** Exchanges at most; each costs n operations. */
const MOST_EXCHANGES = 100_000;

/** Below this difference of the derivatives of two weights, in units of the largest, nothing is moved between them. */
const TOLERANCE = 1e-12;

/**
 * Minimises linear·(q − start) + ½ (q − start)ᵀ A (q − start) over q ≥ 0, Σ q = 1, A symmetric and, up to rounding, positive semidefinite: the weight that
 * costs most gives to the one that gains most as much as is best for the two (sequential minimal optimisation).
 * @param start a point of the simplex
 */
export function minimiseQuadratic(
  matrix: readonly (readonly number[])[],
  linear: readonly number[],
  start: readonly number[],
): number[] {
  const q = [...start];
  const derivative = [...linear];
  const scale = Math.max(...linear.map(Math.abs), ...matrix.flat().map(Math.abs));
  for (let exchange = 0; exchange < MOST_EXCHANGES; exchange++) {
    let [taker, giver] = [0, -1];
    for (const [i, value] of derivative.entries()) {
      if (value < (derivative[taker] as number)) taker = i;
      if ((q[i] as number) > 0 && (giver < 0 || value > (derivative[giver] as number))) giver = i;
    }
    const slope = (derivative[giver] as number) - (derivative[taker] as number);
    if (!(slope > TOLERANCE * scale)) break;
    const bend = at(matrix, taker, taker) + at(matrix, giver, giver) - 2 * at(matrix, taker, giver);
    const available = q[giver] as number;
    const amount = bend > 0 ? Math.min(available, slope / bend) : available;
    q[taker] = (q[taker] as number) + amount;
    q[giver] = amount === available ? 0 : available - amount;
    for (let i = 0; i < q.length; i++) {
      derivative[i] = (derivative[i] as number) + amount * (at(matrix, i, taker) - at(matrix, i, giver));
    }
  }
  return q;
}

function at(matrix: readonly (readonly number[])[], row: number, column: number): number {
  return (matrix[row] as readonly number[])[column] as number;
}
