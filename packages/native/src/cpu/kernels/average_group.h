// A group of neighbouring elements of one output, in registers: their sums and where their ingredients differ.
#pragma once

#include "short_sums.h"

namespace radin {

namespace {

// Vectors of sums in a group: enough additions in flight to hide their latency, few enough to stay in registers.
constexpr int kGroupVectors = kRegisters / 4;
constexpr size_t kGroup = static_cast<size_t>(kGroupVectors) * kLanes;

template <bool kIsMean>
RADIN_INLINE Doubles product(double weight, Doubles value) {
  if constexpr (kIsMean) return value;  // 1 · x is x
  return weight * value;
}

// sum / divisor to the bit, for finite sums without underflow and integers up to kMostOfMean, in a third of a division's
// time; NaN for infinite sums where there are fused multiply-adds.
//
// q = sum · (1 / divisor), rounded twice, is within two units in the last place of the quotient. q · divisor - sum is
// then an integer below 2^22 times the last place of q, which the fused operation gives exactly. Taking its part from q
// leaves an error of 2^-51 units before the last rounding, and no quotient of a float64 by such an integer lies closer
// than 2^-21 units to a middle between two float64, so that rounding is the division's. Zeros keep their sign.
RADIN_INLINE Doubles quotient_by_integer(Doubles sum, double divisor, double reciprocal) {
  if constexpr (!kHasFusedMultiplyAdd) return sum / divisor;
  const Doubles quotient = sum * reciprocal;
  return subtract_product(quotient, multiply_subtract(quotient, splat<Doubles>(divisor), sum),
                          splat<Doubles>(reciprocal));
}

template <class Format, bool kIsMean>
RADIN_INLINE typename Format::Pack rounded(const Doubles* sums, double divisor, typename Format::Nan& nan) {
  Doubles quotients[Format::kParts];
  for (int part = 0; part < Format::kParts; ++part) {
    quotients[part] = kIsMean ? quotient_by_integer(sums[part], divisor, 1.0 / divisor) : sums[part] / divisor;
  }
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

  RADIN_INLINE void clear() {
    for (Doubles& sum : sums) sum = splat<Doubles>(-0.0);  // what leaves every first product as it is
    for (Longs& difference : differences) difference = Longs{};
  }
  template <bool kIsMean>
  RADIN_INLINE void add(const uint8_t* elements, double weight, const uint8_t* first) {
    for (int j = 0; j < kPacks; ++j) {
      Doubles parts[Format::kParts];
      Format::widen(load<typename Format::Pack>(elements + j * kPackBytes), parts);
      for (int part = 0; part < Format::kParts; ++part) {
        sums[j * Format::kParts + part] += product<kIsMean>(weight, parts[part]);
      }
    }
    if constexpr (!kIsMean) compare(elements, first);
  }
  // The same from elements that have been widened.
  template <bool kIsMean>
  RADIN_INLINE void start_wide(const uint8_t* wide, double weight) {
    for (int j = 0; j < kGroupVectors; ++j) {
      sums[j] = product<kIsMean>(weight, load<Doubles>(wide + j * kVectorBytes));
    }
  }
  template <bool kIsMean>
  RADIN_INLINE void add_wide(const uint8_t* wide, double weight) {
    for (int j = 0; j < kGroupVectors; ++j) {
      sums[j] += product<kIsMean>(weight, load<Doubles>(wide + j * kVectorBytes));
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

  // Adds all streams' elements from `byte` on by short sums; false where some of these may have been rounded.
  RADIN_INLINE bool add_short_sums(const uint8_t* const* streams, size_t count, size_t byte) {
    ShortSums<kDifferences> short_sums;
    for (size_t k = 0; k < count; ++k) short_sums.look(streams[k] + byte);
    size_t k = 0;
    for (; k + kShortSum <= count; k += kShortSum) add_short_sum<kShortSum>(streams + k, byte);
    if (count - k == 3) add_short_sum<3>(streams + k, byte);
    if (count - k == 2) add_short_sum<2>(streams + k, byte);
    if (count - k == 1) add_short_sum<1>(streams + k, byte);
    return short_sums.are_exact();
  }

  // As many streams' elements, added in float32.
  template <size_t kCount>
  RADIN_INLINE void add_short_sum(const uint8_t* const* streams, size_t byte) {
    for (int j = 0; j < kPacks; ++j) {
      Floats sum[Format::kParts];
      Format::to_float32(load<typename Format::Pack>(streams[0] + byte + j * kPackBytes), sum);
      for (size_t k = 1; k < kCount; ++k) {
        Floats parts[Format::kParts];
        Format::to_float32(load<typename Format::Pack>(streams[k] + byte + j * kPackBytes), parts);
        for (int part = 0; part < Format::kParts; ++part) sum[part] += parts[part];
      }
      for (int part = 0; part < Format::kParts; ++part) sums[j * Format::kParts + part] += to_doubles(sum[part]);
    }
  }

  // Divides, rounds, and writes; elements that are equal in all ingredients, if there may be any, as they are in the
  // first. In a mean those come out as they are, but for NaN.
  template <bool kIsMean, bool kPastCaches, bool kMayBeEqual = !kIsMean>
  RADIN_INLINE void finish(double divisor, const uint8_t* first, uint8_t* output, typename Format::Nan& nan) const {
    typedef typename Format::Pack Pack;
    const uint8_t* const difference = reinterpret_cast<const uint8_t*>(differences);
// Not a loop: sums stay in registers only where no index into them is left (25 outputs take three quarters of the time).
#pragma GCC unroll 8
    for (int j = 0; j < kPacks; ++j) {
      Pack result = rounded<Format, kIsMean>(sums + j * Format::kParts, divisor, nan);
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
