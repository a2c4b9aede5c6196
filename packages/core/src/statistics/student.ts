/** A factor this close to 1 no longer changes the product. */
const SETTLED = 2 ** -52;
/** In place of a denominator of 0, which the next step divides out again. */
const TINY = 1e-300;

/**
 * P(|T| ≥ |t|) of Student's t with `degrees` ≥ 1 of freedom, given 1 − share = t² / (degrees + t²), both in [0, 1]: the
 * regularised incomplete beta function of `share` with a = degrees / 2, b = ½. The two are asked for separately so that
 * neither is a difference. Relative error below 1e-12 down to 1e-300; cost: `degrees` steps.
 */
export function studentTail(share: number, rest: number, degrees: number): number {
  if (share <= 0) return 0;
  if (rest <= 0) return 1;
  const a = degrees / 2;
  // x^a (1 − x)^½ / B(a, ½)
  const front = share ** a * Math.sqrt(rest) * (gammaRatio(degrees) / Math.sqrt(Math.PI));
  return share < (a + 1) / (a + 2.5)
    ? (front * betaFraction(a, 0.5, share)) / a
    : 1 - (front * betaFraction(0.5, a, rest)) / 0.5;
}

/** Γ((n + 1) / 2) / Γ(n / 2), n ≥ 1, by Γ(x + 1) = x Γ(x): a product of factors near 1 instead of a difference of logarithms. */
function gammaRatio(n: number): number {
  const isOdd = n % 2 === 1;
  let ratio = isOdd ? 1 / Math.sqrt(Math.PI) : Math.sqrt(Math.PI) / 2;
  for (let a = isOdd ? 0.5 : 1; a < n / 2; a++) ratio *= (a + 0.5) / a;
  return ratio;
}

/** The continued fraction of the incomplete beta function, by the method of Lentz; x below (a + 1) / (a + b + 2). */
function betaFraction(a: number, b: number, x: number): number {
  const away = (value: number) => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; ; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) <= SETTLED) return fraction;
  }
}
