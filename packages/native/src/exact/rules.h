// The rules by which stage 1 leaves out classes and decides samples without an approximation: what is decided here is
// what a float64 loop over all classes decides, bit for bit. docs/numerics.md has the argument. Plain functions on numbers,
// the same source for every backend.
//
// Notation: models k in [0, N), a sample with label y, z_c = sum over k of a_k x_k[c] in float64, k ascending over a_k > 0,
// where x are float32 logits, 0 <= a_k <= 1 and the largest a_k is 1. Class c is *preferred* to y if z_c > z_y, or
// z_c = z_y and c < y. The sample is wrong for top-k if k or more classes are preferred.
//
// Theorem: where x_k[c] > x_k[y] in every model of the mixture, z_c > z_y, rounding included; where x_k[c] >= x_k[y] in
// every model, z_c >= z_y. The second holds because rounded products and sums are monotone. For the first: two float32 that
// differ do so by 2^-24 of the larger magnitude at least, so z_c - z_y is in real numbers at least 2^-24 of the sum of
// a_k max(|x_k[c]|, |x_k[y]|), and rounding takes away less than 2 (N + 1) 2^-53 (1 + 2^-20) of the same sum: too little
// for any N below 2^27. (Products that underflow add N 2^-1074 at most, next to a difference of 2^-149 or more in the model
// with a_k = 1.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shared.h"

namespace radin {

// More than the difference that rounding can put between z_c - z_y and its value in real numbers, for logits up to
// `largest` in magnitude: each z is off by at most (N + 1) 2^-53 (1 + 2^-40) sum of |a_k x_k|, and that sum is at most
// N largest. (Products that underflow add less than N 2^-1074, which 2^-53 times any float32 exceeds.)
RADIN_SHARED double rounding_slack(size_t models, double largest) {
  const double n = static_cast<double>(models);
  return 4.0 * (n + 2.0) * n * 0x1p-53 * largest;
}

// Bits of a quantised difference: sums of N of them stay below 2^29, so that adding a slack of up to 2^30 cannot overflow.
RADIN_SHARED int quantised_bits(size_t models) {
  int bits = 29;
  while (models > 1) {
    models = (models + 1) / 2;
    --bits;
  }
  return bits < 1 ? 1 : bits;
}

// A slack at which no comparison is certain.
constexpr int32_t kAlwaysUncertain = int32_t{1} << 30;

// The exponent of the lowest set bit of a float32 other than 0: it is an integer multiple of 2^that.
RADIN_SHARED int lowest_bit_exponent(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const int field = static_cast<int>(bits >> 23 & 0xff);
  const uint32_t mantissa = (bits & 0x7fffff) | (field == 0 ? 0u : 0x800000u);
#ifdef __CUDA_ARCH__
  const int zeros = __ffs(static_cast<int>(mantissa)) - 1;
#else
  const int zeros = __builtin_ctz(mantissa);
#endif
  return (field == 0 ? 1 : field) - 150 + zeros;
}

// A power of two as a double, -1022 <= exponent <= 1023.
RADIN_SHARED double two_to(int exponent) {
  const uint64_t bits = static_cast<uint64_t>(exponent + 1023) << 52;
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The exponent e of a finite x > 0 that is normal as a double: 2^e <= x < 2^(e+1).
RADIN_SHARED int exponent_of(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<int>(bits >> 52 & 0x7ff) - 1023;
}

// One class that may be preferred to the label, made ready for sums of integers.
//
// `quantised[k]` is the difference x_k[c] - x_k[y] in units of 2^-s, rounded, with s such that the largest just fits. For a
// uniform subset (all a_k 0 or 1) with t = bias + sum over the subset: t > slack means that c is preferred, t <= -slack
// that it is not (with slack 0, t <= 0), and anything between that the float64 loop has to be asked.
struct Quantised {
  int32_t bias;
  int32_t slack;
  float weighted_slack;  // the same for other mixtures, for each unit of their coefficients: their products are rounded
};

RADIN_SHARED Quantised quantise(size_t models, const float* other, const float* label, bool wins_ties,
                                int32_t* quantised) {
  double largest_difference = 0.0;
  double largest = 0.0;
  int lowest = 1024;
  for (size_t k = 0; k < models; ++k) {
    const double difference = static_cast<double>(other[k]) - static_cast<double>(label[k]);
    const double magnitude = difference < 0 ? -difference : difference;
    if (magnitude > largest_difference) largest_difference = magnitude;
    for (int side = 0; side < 2; ++side) {
      const float value = side == 0 ? other[k] : label[k];
      const double size = value < 0 ? -static_cast<double>(value) : static_cast<double>(value);
      if (size > largest) largest = size;
      if (value != 0.0f) {
        const int bit = lowest_bit_exponent(value);
        if (bit < lowest) lowest = bit;
      }
    }
  }
  if (largest_difference == 0.0) {  // equal in every model: a tie, for every mixture
    for (size_t k = 0; k < models; ++k) quantised[k] = 0;
    return {wins_ties ? 1 : 0, 0, 0.0f};
  }
  const int scale = quantised_bits(models) - 1 - exponent_of(largest_difference);
  const double unit = two_to(scale);
  // Every sum that the float64 loop makes is exact where all logits are multiples of 2^lowest and their sum stays below
  // 2^53 of those.
  const bool sums_are_exact = static_cast<double>(models) * largest < two_to(lowest + 53);
  const bool exact = sums_are_exact && lowest + scale >= 0;
  for (size_t k = 0; k < models; ++k) {
    const double scaled = (static_cast<double>(other[k]) - static_cast<double>(label[k])) * unit;
    // Adding and subtracting 1.5 * 2^52 rounds to an integer.
    const double rounded = scaled + 6755399441055744.0 - 6755399441055744.0;
    quantised[k] = static_cast<int32_t>(rounded);
  }
  const double slack = 0.5 * static_cast<double>(models) + 2.0 + rounding_slack(models, largest) * unit;
  const int32_t certain = slack < 0x1p28 ? static_cast<int32_t>(slack) : kAlwaysUncertain;
  if (exact) return {wins_ties ? 1 : 0, 0, static_cast<float>(certain)};
  return {0, certain, static_cast<float>(certain)};
}

// How far a float32 sum of products a_k quantised[k] can be from its value in real numbers, for quantised differences of
// up to quantised_bits and `total` at least the sum of all a_k: 2^-24 of the largest possible sum for each of N + 4
// roundings on an element's way.
RADIN_SHARED float weighted_rounding(size_t models, float total) {
  return total * 1.01f * static_cast<float>(models + 4) * 0x1p-24f *
         static_cast<float>(int32_t{1} << quantised_bits(models));
}

// Whether the float64 loop prefers the class to the label. Coefficients [N], 0 for models that are not in the mixture.
RADIN_SHARED bool is_preferred(size_t models, const double* coefficients, const float* other, const float* label,
                               bool wins_ties) {
  double z_other = 0.0;
  double z_label = 0.0;
  bool is_first = true;
  for (size_t k = 0; k < models; ++k) {
    const double a = coefficients[k];
    if (a == 0.0) continue;
    const double other_term = a * static_cast<double>(other[k]);
    const double label_term = a * static_cast<double>(label[k]);
    z_other = is_first ? other_term : z_other + other_term;
    z_label = is_first ? label_term : z_label + label_term;
    is_first = false;
  }
  return z_other > z_label || (z_other == z_label && wins_ties);
}

}  // namespace radin
