/**
 * exp and log of float64 from add, subtract, multiply, divide and exact scaling by powers of two, in a fixed order of
 * operations. The twin of src/cpu/elementary.h, operation by operation: `Math.exp` and the C library's functions differ
 * between systems in the last bit, and a cross-entropy must have the same bits everywhere.
 */

const SMALLEST_EXPONENT = -1022;

/** 2^−1022 … 2^1023, made by doubling, which is exact; ECMAScript leaves the accuracy of `**` open. */
const POWERS_OF_TWO = new Float64Array(2046);
POWERS_OF_TWO[0] = 2.2250738585072014e-308;
for (let i = 1; i < POWERS_OF_TWO.length; i++) POWERS_OF_TWO[i] = 2 * (POWERS_OF_TWO[i - 1] as number);

/** 2^exponent, exactly, for integers −1022 ≤ exponent ≤ 1023. */
export function powerOfTwo(exponent: number): number {
  return POWERS_OF_TWO[exponent - SMALLEST_EXPONENT] as number;
}

const view = new DataView(new ArrayBuffer(8));

/** The e of |x| = 2^e · m with 1 ≤ m < 2, for normal x; −1023 for subnormal x and 0. */
export function exponentOf(x: number): number {
  view.setFloat64(0, x);
  return ((view.getUint32(0) >>> 20) & 0x7ff) - 1023;
}

/**
 * ln 2 in two parts. The high part has 42 significant bits, so that its product with an exponent (11 bits) is exact; the
 * low part is the rest.
 */
const LN2_HIGH = 0.6931471805598903;
const LN2_LOW = 5.497923018708371e-14;

/** 1.5 · 2^52: adding and then subtracting it rounds |x| < 2^51 to an integer, ties to even. */
const ROUND_TO_INTEGER = 6755399441055744;

/** 1/13!, 1/12!, …, 1/2! */
const INVERSE_FACTORIALS = [
  1 / 6227020800,
  1 / 479001600,
  1 / 39916800,
  1 / 3628800,
  1 / 362880,
  1 / 40320,
  1 / 5040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  0.5,
];

/**
 * exp(x) for x ≤ 0, within 2 ulp; 0 below −708, where results turn subnormal: next to the exp(0) = 1 of the largest logit
 * they could not change a sum.
 *
 * x = n ln 2 + r with |r| ≤ (ln 2) / 2, then exp(r) = 1 + (r + r² (1/2! + r/3! + … + r¹¹/13!)); the first term left out is
 * below 2^−57.
 */
export function expNonpositive(x: number): number {
  if (x < -708) return 0;
  const n = x * Math.LOG2E + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
  const r = x - n * LN2_HIGH - n * LN2_LOW;
  let tail = 0;
  for (const coefficient of INVERSE_FACTORIALS) tail = tail * r + coefficient;
  return (1 + (r + r * r * tail)) * powerOfTwo(n);
}

/** 2/23, 2/21, …, 2/3 */
const ATANH_SERIES = [2 / 23, 2 / 21, 2 / 19, 2 / 17, 2 / 15, 2 / 13, 2 / 11, 2 / 9, 2 / 7, 2 / 5, 2 / 3];

/**
 * log(y) for finite y ≥ 1, within 2 ulp (largest found: 1.2, for y near 1.46, where e ln 2 and log(1 + f) cancel).
 *
 * y = 2^e (1 + f) with 1 + f in [√½, √2) and s = f / (2 + f): log(1 + f) = 2 atanh s = 2s + s R with
 * R = 2 (s²/3 + s⁴/5 + … + s²²/23); the first term left out is below 2^−62 of the sum. Because 2s = f − s f, this is
 * f − s (f − R), in which f is exact and the rounding errors of s count only in a term several times smaller.
 */
export function logAtLeastOne(y: number): number {
  let exponent = exponentOf(y);
  let mantissa = y * powerOfTwo(-Math.min(exponent, 1022));
  if (exponent === 1023) mantissa *= 0.5;
  if (mantissa >= Math.SQRT2) {
    mantissa *= 0.5;
    exponent += 1;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const square = s * s;
  let series = 0;
  for (const coefficient of ATANH_SERIES) series = series * square + coefficient;
  series *= square;
  return exponent * LN2_HIGH + (f - s * (f - series) + exponent * LN2_LOW);
}
