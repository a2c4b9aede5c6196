/** From here on the continued fraction converges fast; below, the series loses at most three digits. */
const FAR = 3;
/** Enough levels for all digits at `FAR`. */
const FRACTION_LEVELS = 150;

/** Q(z) = P(Z > z) of the standard normal, z ≥ 0. Relative error below 1e-12 at any distance. */
export function upperTail(z: number): number {
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  if (z < FAR) {
    // Φ(z) − ½ = φ(z) (z + z³/3 + z⁵/(3·5) + …), all terms positive.
    let term = z;
    let sum = 0;
    for (let odd = 3; sum + term !== sum; odd += 2) {
      sum += term;
      term *= (z * z) / odd;
    }
    return 0.5 - density * sum;
  }
  // Q(z) = φ(z) / (z + 1/(z + 2/(z + 3/…))) (Laplace).
  let fraction = z;
  for (let level = FRACTION_LEVELS; level >= 1; level--) fraction = z + level / fraction;
  return density / fraction;
}

/** The z ≥ 0 with P(Z > z) = q, q in (0, ½]. */
export function normalQuantile(q: number): number {
  // ln Q is concave and the start lies beyond the answer, so Newton's steps go one way until rounding stops them.
  let z = Math.sqrt(-2 * Math.log(q));
  for (;;) {
    const tail = upperTail(z);
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
    const next = z + (Math.log(tail / q) * tail) / density;
    if (!(Math.abs(next - z) > 4 * Number.EPSILON * z)) return Math.max(0, next);
    if (next > z) return z;
    z = next;
  }
}
