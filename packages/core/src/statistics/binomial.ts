/** ½ ln 2π, the constant of Stirling’s formula. */
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** Up to here the factorial is an exact double and the series below would lack digits. */
const LARGEST_DIRECT = 15;

/** A term below this share of the sum no longer changes it. */
const NEGLIGIBLE = 2 ** -56;

/**
 * P(X = k) for X ~ Binomial(n, ½), k in [0, n]. Relative error below 1e-13: the logarithm is a sum of small terms
 * (Loader's saddle-point form), not a difference of logarithms of factorials, which loses ten digits for n = 1e6.
 */
export function fairBinomialMass(k: number, n: number): number {
  if (k === 0 || k === n) return 0.5 ** n;
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(n - k) - deviance(k, n / 2) - deviance(n - k, n / 2);
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)));
}

/** P(X ≤ k) for X ~ Binomial(n, ½), k ≤ n / 2. Relative error below 1e-12, also far out in the tail. */
export function fairBinomialTail(k: number, n: number): number {
  let mass = fairBinomialMass(k, n);
  let sum = 0;
  for (let at = k; at >= 0 && mass > sum * NEGLIGIBLE; at--) {
    sum += mass;
    mass *= at / (n - at + 1);
  }
  return sum;
}

/** ln n! − ((n + ½) ln n − n + ½ ln 2π), n ≥ 1. */
function stirlingError(n: number): number {
  if (n <= LARGEST_DIRECT) {
    let factorial = 1;
    for (let factor = 2; factor <= n; factor++) factorial *= factor;
    return Math.log(factorial) - ((n + 0.5) * Math.log(n) - n + HALF_LOG_TWO_PI);
  }
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n;
}

/** x ln(x / mean) + mean − x, without cancellation where x is close to the mean: by the series of 2 artanh(v) = ln(x / mean). */
function deviance(x: number, mean: number): number {
  const v = (x - mean) / (x + mean);
  if (Math.abs(v) > 0.1) return x * Math.log(x / mean) + mean - x;
  let sum = (x - mean) * v;
  let power = 2 * x * v;
  for (let odd = 3; ; odd += 2) {
    power *= v * v;
    const next = sum + power / odd;
    if (next === sum) return sum;
    sum = next;
  }
}
