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

template <class Format>
RADIN_INLINE typename Format::Pack rounded(const Doubles* sums, double divisor, typename Format::Nan& nan) {
  Doubles quotients[Format::kParts];
  for (int part = 0; part < Format::kParts; ++part) quotients[part] = sums[part] / divisor;
  return Format::round(quotients, nan);
}

// `result`, or for elements without a difference between the ingredients the first one.
template <class Format>
RADIN_INLINE typename Format::Pack unless_equal(typename Format::Pack result, typename Format::Pack difference,
                                                typename Format::Pack first) {
  typedef typename Format::Element Lanes __attribute__((vector_size(sizeof result)));
  return select(reinterpret_cast<typename Format::Pack>(reinterpret_cast<Lanes>(difference) == 0), first, result);
}

template <class Format>
struct Group {
  static constexpr size_t kElementBytes = sizeof(typename Format::Element);
  static constexpr size_t kBytes = kGroup * kElementBytes;
  static constexpr size_t kPackBytes = sizeof(typename Format::Pack);
  static constexpr int kPacks = kGroupVectors / Format::kParts;
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
    for (int j = 0; j < kPacks; ++j) {
      Doubles* const parts = sums + j * Format::kParts;
      Format::widen(load<typename Format::Pack>(elements + j * kPackBytes), parts);
      for (int part = 0; part < Format::kParts; ++part) parts[part] = product<kWeighted>(weight, parts[part]);
    }
    for (int j = 0; j < kDifferences; ++j) differences[j] = Longs{};
  }
  template <bool kWeighted>
  RADIN_INLINE void add(const uint8_t* elements, double weight, const uint8_t* first) {
    for (int j = 0; j < kPacks; ++j) {
      Doubles parts[Format::kParts];
      Format::widen(load<typename Format::Pack>(elements + j * kPackBytes), parts);
      for (int part = 0; part < Format::kParts; ++part) {
        sums[j * Format::kParts + part] += product<kWeighted>(weight, parts[part]);
      }
    }
    compare(elements, first);
  }
  // The same from elements that have been widened.
  template <bool kWeighted>
  RADIN_INLINE void start_wide(const uint8_t* wide, double weight) {
    for (int j = 0; j < kGroupVectors; ++j) {
      sums[j] = product<kWeighted>(weight, load<Doubles>(wide + j * kVectorBytes));
    }
  }
  template <bool kWeighted>
  RADIN_INLINE void add_wide(const uint8_t* wide, double weight) {
    for (int j = 0; j < kGroupVectors; ++j) {
      sums[j] += product<kWeighted>(weight, load<Doubles>(wide + j * kVectorBytes));
    }
  }

  // Whether any element is the same in both.
  static RADIN_INLINE bool has_equal(const uint8_t* a, const uint8_t* b) {
    typedef typename Format::Elements Elements;
    Longs equal = {};
    for (int j = 0; j < kDifferences; ++j) {
      equal |= reinterpret_cast<Longs>(load<Elements>(a + j * kVectorBytes) == load<Elements>(b + j * kVectorBytes));
    }
    return any(equal);
  }

  RADIN_INLINE void compare(const uint8_t* elements, const uint8_t* first) {
    for (int j = 0; j < kDifferences; ++j) {
      differences[j] |= load<Longs>(elements + j * kVectorBytes) ^ load<Longs>(first + j * kVectorBytes);
    }
  }

  // Divides, rounds, and writes; elements that are equal in all ingredients, if there may be any, as they are in the
  // first.
  template <bool kPastCaches, bool kMayBeEqual>
  RADIN_INLINE void finish(double divisor, const uint8_t* first, uint8_t* output, typename Format::Nan& nan) const {
    typedef typename Format::Pack Pack;
    const uint8_t* const difference = reinterpret_cast<const uint8_t*>(differences);
    for (int j = 0; j < kPacks; ++j) {
      Pack result = rounded<Format>(sums + j * Format::kParts, divisor, nan);
      if constexpr (kMayBeEqual) {
        result = unless_equal<Format>(result, load<Pack>(difference + j * kPackBytes),
                                      load<Pack>(first + j * kPackBytes));
      }
      if constexpr (kPastCaches) {
        stream(output + j * kPackBytes, result);
      } else {
        store(output + j * kPackBytes, result);
      }
    }
  }
};

}  // namespace

}  // namespace radin
