// exp and log of float64 from add, subtract, multiply, divide and exact scaling by powers of two, in a fixed order of
// operations. The twin of lib/elementary.ts, operation by operation: the C library's functions differ between systems in
// the last bit, and a cross-entropy must have the same bits everywhere. The errors are measured in
// test/elementary.test.ts. Branch-free, so that a loop over classes vectorises. Needs -ffp-contract=off. Static, because
// kernels/ compiles them once for each instruction set.
#pragma once

#include "float_formats.h"

namespace radin {

// ln 2 in two parts. The high part has 42 significant bits, so that its product with an exponent (11 bits) is exact; the
// low part is the rest.
constexpr double kLn2High = 0.6931471805598903;
constexpr double kLn2Low = 5.497923018708371e-14;
constexpr double kLog2E = 1.4426950408889634;

// Adding and then subtracting 1.5 * 2^52 rounds |x| < 2^51 to an integer, ties to even; in between, the integer stands in
// the low bits of the double.
constexpr double kSignedRoundToInteger = 6755399441055744.0;

// exp(x) for x <= 0, within 2 ulp; 0 below -708, where results turn subnormal: next to the exp(0) = 1 of the largest logit
// they could not change a sum.
//
// x = n ln 2 + r with |r| <= (ln 2) / 2, then exp(r) = 1 + (r + r^2 (1/2! + r/3! + ... + r^11/13!)); the first term left
// out is below 2^-57. The sum 1 + small loses at most half an ulp beside what the small term brings.
static inline double exp_nonpositive(double x) {
  const double shifted = x * kLog2E + kSignedRoundToInteger;
  const double n = shifted - kSignedRoundToInteger;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double tail = 1.0 / 6227020800.0;
  tail = tail * r + 1.0 / 479001600.0;
  tail = tail * r + 1.0 / 39916800.0;
  tail = tail * r + 1.0 / 3628800.0;
  tail = tail * r + 1.0 / 362880.0;
  tail = tail * r + 1.0 / 40320.0;
  tail = tail * r + 1.0 / 5040.0;
  tail = tail * r + 1.0 / 720.0;
  tail = tail * r + 1.0 / 120.0;
  tail = tail * r + 1.0 / 24.0;
  tail = tail * r + 1.0 / 6.0;
  tail = tail * r + 0.5;
  // The shift keeps the low 12 bits of n + 1023: the exponent field of 2^n.
  const double scale = bit_cast<double>((bit_cast<uint64_t>(shifted) + 1023) << 52);
  const double value = (1.0 + (r + r * r * tail)) * scale;
  return x < -708.0 ? 0.0 : value;
}

// log(y) for finite y >= 1, within 2 ulp.
//
// y = 2^e (1 + f) with 1 + f in [sqrt 1/2, sqrt 2) and s = f / (2 + f): log(1 + f) = 2 atanh s = 2s + s R with
// R = 2 (s^2/3 + s^4/5 + ... + s^22/23); the first term left out is below 2^-62 of the sum. Because 2s = f - s f, this is
// f - s (f - R), in which f is exact and the rounding errors of s count only in a term several times smaller.
static inline double log_at_least_one(double y) {
  constexpr double kSqrtTwo = 1.4142135623730951;
  const uint64_t bits = bit_cast<uint64_t>(y);
  double exponent = static_cast<double>(static_cast<int>(bits >> 52) - 1023);
  double mantissa = bit_cast<double>((bits & 0x000fffffffffffffu) | power_of_two_bits(0));
  if (mantissa >= kSqrtTwo) {
    mantissa = mantissa * 0.5;
    exponent = exponent + 1.0;
  }
  const double f = mantissa - 1.0;
  const double s = f / (2.0 + f);
  const double square = s * s;
  double series = 2.0 / 23.0;
  series = series * square + 2.0 / 21.0;
  series = series * square + 2.0 / 19.0;
  series = series * square + 2.0 / 17.0;
  series = series * square + 2.0 / 15.0;
  series = series * square + 2.0 / 13.0;
  series = series * square + 2.0 / 11.0;
  series = series * square + 2.0 / 9.0;
  series = series * square + 2.0 / 7.0;
  series = series * square + 2.0 / 5.0;
  series = series * square + 2.0 / 3.0;
  series = series * square;
  return exponent * kLn2High + ((f - s * (f - series)) + exponent * kLn2Low);
}

}  // namespace radin
