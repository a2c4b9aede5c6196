// Float dtypes as bits: exact widening to double and one correct rounding back (to nearest, ties to even). The twin of
// lib/float-formats.ts. A NaN result is always the positive quiet NaN with no payload, because hardware differs in which
// NaN an operation yields and the contract promises the same bits everywhere.
#pragma once

#include <cstdint>
#include <cstring>

#include "../exact/shared.h"

namespace radin {

template <class To, class From>
RADIN_SHARED To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "a cast of bits keeps the size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// 2^exponent, exactly, for -1022 <= exponent <= 1023.
RADIN_SHARED constexpr uint64_t power_of_two_bits(int exponent) { return static_cast<uint64_t>(exponent + 1023) << 52; }
RADIN_SHARED double power_of_two(int exponent) { return bit_cast<double>(power_of_two_bits(exponent)); }

// Adding and then subtracting 2^52 rounds 0 <= x < 2^52 to an integer, ties to even: a double there has no fraction bits.
constexpr double kRoundToInteger = 4503599627370496.0;

// The 16-bit IEEE layouts: 1 sign bit, 15 - kFractionBits exponent bits, kFractionBits fraction bits.
template <int kFractionBits, int kMinExponent>
struct SixteenBits {
  using Bits = uint16_t;
  static constexpr Bits kMagnitude = 0x7fff;
  static constexpr Bits kInfinity = static_cast<Bits>(kMagnitude >> kFractionBits << kFractionBits);
  static constexpr Bits kQuietNan = static_cast<Bits>(kInfinity | 1 << (kFractionBits - 1));

  RADIN_SHARED double widen(Bits bits) {
    const uint32_t magnitude = bits & kMagnitude;
    const uint64_t sign = static_cast<uint64_t>(bits & 0x8000) << 48;
    uint64_t wide = static_cast<uint64_t>(magnitude) << (52 - kFractionBits);
    // Rebiasing the exponent: field 1 stands for kMinExponent here and for -1022 in a double.
    wide = magnitude >= kInfinity ? wide | 0x7ff0000000000000u : wide + power_of_two_bits(kMinExponent - 1);
    const double subnormal = static_cast<int32_t>(magnitude) * power_of_two(kMinExponent - kFractionBits);
    if (magnitude < 1u << kFractionBits) wide = bit_cast<uint64_t>(subnormal);
    return bit_cast<double>(wide | sign);
  }

  // Counts the quanta (the spacing of this format at the value's exponent) in the magnitude. Going straight from the double
  // avoids the second rounding of a detour through float32. A count that reaches the next power of two carries into the
  // exponent field, up to infinity, by itself.
  RADIN_SHARED Bits round(double value) {
    if (value != value) return kQuietNan;
    const uint64_t bits = bit_cast<uint64_t>(value);
    double magnitude = bit_cast<double>(bits & 0x7fffffffffffffffu);
    const double overflow = power_of_two(2 - kMinExponent);
    magnitude = magnitude < overflow ? magnitude : overflow;
    int exponent = static_cast<int>(bit_cast<uint64_t>(magnitude) >> 52) - 1023;
    exponent = exponent > kMinExponent ? exponent : kMinExponent;
    const double quanta = magnitude * power_of_two(kFractionBits - exponent) + kRoundToInteger - kRoundToInteger;
    const int encoded = ((exponent - kMinExponent) << kFractionBits) + static_cast<int>(quanta);
    return static_cast<Bits>(encoded | static_cast<int>(bits >> 48 & 0x8000));
  }
};

using Float16 = SixteenBits<10, -14>;
using Bfloat16 = SixteenBits<7, -126>;

struct Float32 {
  using Bits = uint32_t;
  RADIN_SHARED double widen(Bits bits) { return bit_cast<float>(bits); }
  RADIN_SHARED Bits round(double value) { return value != value ? 0x7fc00000u : bit_cast<Bits>(static_cast<float>(value)); }
};

struct Float64 {
  using Bits = uint64_t;
  RADIN_SHARED double widen(Bits bits) { return bit_cast<double>(bits); }
  RADIN_SHARED Bits round(double value) { return value != value ? 0x7ff8000000000000u : bit_cast<Bits>(value); }
};

}  // namespace radin
