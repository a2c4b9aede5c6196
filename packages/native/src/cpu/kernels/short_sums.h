// When four float16 numbers can be added in float32 without rounding, for a third of the work that float64 takes.
//
// Float16 numbers are multiples of 2^-24, so four of them below 1/4 have a sum below 1 that fits float32's 24 bits. Nearly
// all trained weights are that small.
//
// Bfloat16 numbers would do where their exponents span at most 14. Too many groups have a model with a number that is too
// small beside the others'; adding these again in float64 left no gain (192 ms against 184 for 13 models of 88 M).
#pragma once

#include "float_lanes.h"

namespace radin {

namespace {

constexpr size_t kShortSum = 4;

// The largest magnitude at each place of some registers of elements.
template <int kRegistersOfElements>
class ShortSums {
 public:
  RADIN_INLINE ShortSums() {
    for (Magnitudes& largest : largest_) largest = Magnitudes{};
  }

  RADIN_INLINE void look(const uint8_t* elements) {
    for (int j = 0; j < kRegistersOfElements; ++j) {
      const Magnitudes magnitudes = load<Magnitudes>(elements + j * kVectorBytes) & 0x7fff;
      largest_[j] = magnitudes > largest_[j] ? magnitudes : largest_[j];
    }
  }

  // Whether float32 sums of any kShortSum of the numbers at one place are exact, at every place.
  RADIN_INLINE bool are_exact() const {
    constexpr int kQuarter = 0x3400;
    Magnitudes inexact = {};
    for (const Magnitudes& largest : largest_) inexact |= reinterpret_cast<Magnitudes>(largest >= kQuarter);
    return !any(inexact);
  }

 private:
  typedef int16_t Magnitudes __attribute__((vector_size(kVectorBytes)));

  Magnitudes largest_[kRegistersOfElements];
};

}  // namespace

}  // namespace radin
