// When a few float16 or bfloat16 numbers can be added in float32 without rounding, for a third of the work that float64
// takes.
//
// With f fraction bits a number of exponent e is a multiple of 2^(e - f). Sums of kShortSum numbers of exponents from e
// to E are below 2^(E + 3) and multiples of 2^(e - f), so they fit float32's 24 bits where E - e <= 21 - f. Magnitudes
// are ordered as their bits are, and bits that differ by at most (21 - f) << f have such exponents.
#pragma once

#include "float_lanes.h"

namespace radin {

namespace {

constexpr size_t kShortSum = 4;

template <class Format>
constexpr bool kHasShortSums = sizeof(typename Format::Element) == 2;

// The largest and the smallest magnitude at each place of some registers of elements.
template <class Format, int kRegistersOfElements>
class ShortSums {
 public:
  RADIN_INLINE ShortSums() {
    for (Magnitudes& largest : largest_) largest = Magnitudes{};
    for (Magnitudes& smallest : smallest_) smallest = splat<Magnitudes>(0x7fff);
  }

  RADIN_INLINE void look(const uint8_t* elements) {
    for (int j = 0; j < kRegistersOfElements; ++j) {
      const Magnitudes magnitudes = load<Magnitudes>(elements + j * kVectorBytes) & 0x7fff;
      largest_[j] = magnitudes > largest_[j] ? magnitudes : largest_[j];
      smallest_[j] = magnitudes < smallest_[j] ? magnitudes : smallest_[j];
    }
  }

  // Whether float32 sums of any kShortSum of the numbers at one place are exact, at every place.
  RADIN_INLINE bool are_exact() const {
    // Subnormal numbers are multiples of the same as those of the least exponent; 0 is taken for one.
    constexpr int kOfLeastExponent = (2 << Format::kFractionBits) - 1;
    constexpr int kRange = (21 - Format::kFractionBits) << Format::kFractionBits;
    Magnitudes inexact = {};
    for (int j = 0; j < kRegistersOfElements; ++j) {
      const Magnitudes least = splat<Magnitudes>(kOfLeastExponent);
      const Magnitudes smallest = smallest_[j] > least ? smallest_[j] : least;
      inexact |= reinterpret_cast<Magnitudes>(largest_[j] - smallest > kRange);
      inexact |= reinterpret_cast<Magnitudes>(largest_[j] > Format::kMostOfShortSum);
    }
    return !any(inexact);
  }

 private:
  typedef int16_t Magnitudes __attribute__((vector_size(kVectorBytes)));

  Magnitudes largest_[kRegistersOfElements], smallest_[kRegistersOfElements];
};

}  // namespace

}  // namespace radin
