// A group of neighbouring elements of one output, in registers: their sums and where their ingredients differ.
#pragma once

#include "float_lanes.h"

namespace radin {

namespace {

// Vectors of sums in a group: enough additions in flight to hide their latency, few enough to stay in registers.
constexpr int kGroupVectors = kRegisters / 4;
constexpr size_t kGroup = static_cast<size_t>(kGroupVectors) * kLanes;

template <bool kWeighted>
RADIN_INLINE Doubles product(double weight, Doubles value) {
  if constexpr (kWeighted) return weight * value;
  return value;  // 1 · x is x
}

// The rounded quotient, or where all ingredients are equal the first one's bits.
template <class Format>
RADIN_INLINE typename Format::Bits merged(Doubles quotient, typename Format::Bits difference,
                                          typename Format::Bits first, typename Format::Nan& nan) {
  const auto rounded = Format::round(quotient, nan);
  return select(reinterpret_cast<typename Format::Bits>(difference == 0), first, rounded);
}

template <class Format>
struct Group {
  static constexpr size_t kElementBytes = sizeof(typename Format::Element);
  static constexpr size_t kBytes = kGroup * kElementBytes;
  static constexpr size_t kPartBytes = kLanes * kElementBytes;  // of one vector of sums
  static constexpr int kDifferences = static_cast<int>(kBytes / kVectorBytes);

  Doubles sums[kGroupVectors];
  Longs differences[kDifferences];  // bits of the elements, 0 where all ingredients so far have the same

  RADIN_INLINE void load_from(const uint8_t* sums_at, const uint8_t* differences_at) {
    for (int j = 0; j < kGroupVectors; ++j) sums[j] = load<Doubles>(sums_at + j * kVectorBytes);
    for (int j = 0; j < kDifferences; ++j) differences[j] = load<Longs>(differences_at + j * kVectorBytes);
  }
  RADIN_INLINE void store_to(uint8_t* sums_at, uint8_t* differences_at) const {
    for (int j = 0; j < kGroupVectors; ++j) store(sums_at + j * kVectorBytes, sums[j]);
    for (int j = 0; j < kDifferences; ++j) store(differences_at + j * kVectorBytes, differences[j]);
  }

  template <bool kWeighted>
  RADIN_INLINE void start(const uint8_t* elements, double weight) {
    for (int j = 0; j < kGroupVectors; ++j) sums[j] = product<kWeighted>(weight, widened(elements, j));
    for (int j = 0; j < kDifferences; ++j) differences[j] = Longs{};
  }
  template <bool kWeighted>
  RADIN_INLINE void add(const uint8_t* elements, double weight, const uint8_t* first) {
    for (int j = 0; j < kGroupVectors; ++j) sums[j] += product<kWeighted>(weight, widened(elements, j));
    compare(elements, first);
  }
  RADIN_INLINE void compare(const uint8_t* elements, const uint8_t* first) {
    for (int j = 0; j < kDifferences; ++j) {
      differences[j] |= load<Longs>(elements + j * kVectorBytes) ^ load<Longs>(first + j * kVectorBytes);
    }
  }

  // Divides, rounds, and writes; elements that are equal in all ingredients as they are in the first.
  template <bool kPastCaches>
  RADIN_INLINE void finish(double divisor, const uint8_t* first, uint8_t* output,
                           typename Format::Nan& nan) const {
    const uint8_t* difference = reinterpret_cast<const uint8_t*>(differences);
    for (int j = 0; j < kGroupVectors; ++j) {
      const auto result = merged<Format>(sums[j] / divisor, load<typename Format::Bits>(difference + j * kPartBytes),
                                         load<typename Format::Bits>(first + j * kPartBytes), nan);
      if (kPastCaches) {
        stream(output + j * kPartBytes, result);
      } else {
        store(output + j * kPartBytes, result);
      }
    }
  }

 private:
  static RADIN_INLINE Doubles widened(const uint8_t* elements, int part) {
    return Format::widen(load<typename Format::Bits>(elements + part * kPartBytes));
  }
};

}  // namespace

}  // namespace radin
