// Float dtypes in vectors of kLanes elements: exact widening to float64 and one correct rounding back (to nearest, ties
// to even), NaN becoming the positive quiet one without payload. The vector twin of ../float_formats.h.
//
// The 16-bit dtypes are rounded by way of float32, but to odd: what float64 has beyond float32's 24 bits is cut off,
// and if any of it was 1, the last bit kept is set. A number kept like that lies on the same side of every 16-bit
// number and of every middle between two as the original (it has more than two bits beyond theirs), so rounding it to
// nearest rounds the original, once.
#pragma once

#include "lanes.h"

namespace radin {

namespace {

// Element: an element's bits. Pack: neighbouring elements that are widened together, to kParts vectors. Elements: as
// many elements as fill a register. Nan: notes which lanes were NaN. kIsNarrow: whether float64 holds any multiple of a
// number up to 2^24 times.
// kHasShortSums: whether short_sums.h speaks of them.

struct Float64Lanes {
  typedef uint64_t Element;
  typedef Longs Pack;
  static constexpr int kParts = 1;
  static constexpr bool kIsNarrow = false;
  static constexpr bool kHasShortSums = false;
  typedef Longs Nan;
  typedef uint64_t Elements __attribute__((vector_size(kVectorBytes)));

  static RADIN_INLINE void widen(Pack pack, Doubles* parts) { parts[0] = reinterpret_cast<Doubles>(pack); }

  static RADIN_INLINE Pack round(const Doubles* parts, Nan& nan) {
    const Longs is_nan = reinterpret_cast<Longs>(parts[0] != parts[0]);
    nan |= is_nan;
    return select(is_nan, splat<Longs>(0x7ff8000000000000u), reinterpret_cast<Longs>(parts[0]));
  }
};

struct Float32Lanes {
  typedef uint32_t Element;
  typedef Words Pack;
  static constexpr int kParts = 1;
  static constexpr bool kIsNarrow = true;
  static constexpr bool kHasShortSums = false;
  typedef Words Nan;
  typedef uint32_t Elements __attribute__((vector_size(kVectorBytes)));

  static RADIN_INLINE void widen(Pack pack, Doubles* parts) { parts[0] = to_doubles(reinterpret_cast<Floats>(pack)); }

  static RADIN_INLINE Pack round(const Doubles* parts, Nan& nan) { return canonical(to_floats(parts[0]), nan); }

  static RADIN_INLINE Words canonical(Floats value, Nan& nan) {
    const Words is_nan = reinterpret_cast<Words>(value != value);
    nan |= is_nan;
    return select(is_nan, splat<Words>(0x7fc00000u), reinterpret_cast<Words>(value));
  }
};

// float64 to float32, to odd where that is a normal number; below, to nearest. NaN becomes canonical.
RADIN_INLINE Words round_to_odd(Doubles value, Words& nan) {
  constexpr uint64_t kCut = (uint64_t{1} << 29) - 1;
  const Longs bits = reinterpret_cast<Longs>(value);
  const Longs odd = reinterpret_cast<Longs>((bits & kCut) != 0) & (kCut + 1);
  const Longs cut = (bits & ~kCut) | odd;
  // A NaN stays one: where its kept bits were all 0, the odd bit is not.
  return Float32Lanes::canonical(to_floats(reinterpret_cast<Doubles>(cut)), nan);
}

// A pack is read as words of two elements, which makes float32 of either by one operation: its parts are the even and
// the odd elements.
struct Bfloat16Lanes {
  typedef uint16_t Element;
  typedef Words Pack;
  static constexpr int kParts = 2;
  static constexpr bool kIsNarrow = true;
  static constexpr bool kHasShortSums = false;
  typedef Words Nan;
  typedef uint16_t Elements __attribute__((vector_size(kVectorBytes)));

  static RADIN_INLINE void widen(Pack pack, Doubles* parts) {
    parts[0] = to_doubles(reinterpret_cast<Floats>(pack << 16));
    parts[1] = to_doubles(reinterpret_cast<Floats>(pack & 0xffff0000u));
  }

  static RADIN_INLINE Pack round(const Doubles* parts, Nan& nan) {
    return round_high(parts[0], nan) >> 16 | (round_high(parts[1], nan) & 0xffff0000u);
  }

 private:
  // The rounded elements in the high halves of words.
  static RADIN_INLINE Words round_high(Doubles value, Nan& nan) {
    const Words odd = round_to_odd(value, nan);
    const Words nearest = odd + 0x7fff + (odd >> 16 & 1);
    const Longs magnitude = reinterpret_cast<Longs>(value) & ~(uint64_t{1} << 63);
    const Longs normal = reinterpret_cast<Longs>(splat<Doubles>(0x1p-126));
    const Longs is_small = reinterpret_cast<Longs>(magnitude - 1 < normal - 1);  // and not 0
    if (__builtin_expect(!any(is_small), 1)) return nearest;
    // Subnormal numbers count quanta of 2^-133: a sum with 2^52 has them, rounded, in its low bits.
    const Doubles quanta = reinterpret_cast<Doubles>(magnitude) * 0x1p133 + 0x1p52;
    const Words small = to_words(reinterpret_cast<Longs>(quanta)) << 16 | (odd & 0x80000000u);
    return select(to_words(is_small), small, nearest);
  }
};

struct Float16Lanes {
  typedef uint16_t Element;
  typedef Shorts Pack;
  static constexpr int kParts = 1;
  static constexpr bool kIsNarrow = true;
  static constexpr bool kHasShortSums = true;
  typedef Words Nan;
  typedef uint16_t Elements __attribute__((vector_size(kVectorBytes)));

  static RADIN_INLINE void to_float32(Pack pack, Floats* parts) { parts[0] = to_floats(pack); }
  static RADIN_INLINE void widen(Pack pack, Doubles* parts) { parts[0] = to_doubles(to_floats(pack)); }

  static RADIN_INLINE Pack round(const Doubles* parts, Nan& nan) { return nearest(round_to_odd(parts[0], nan)); }

 private:
  static RADIN_INLINE Floats to_floats(Shorts bits) {
#if defined(__F16C__) && defined(__AVX512F__)
    return reinterpret_cast<Floats>(_mm256_cvtph_ps(load<__m128i>(&bits)));
#elif defined(__F16C__)
    const __m128i low = _mm_cvtsi64_si128(load<long long>(&bits));
    return reinterpret_cast<Floats>(_mm_cvtph_ps(low));
#else
    // The exponent is rebiased by an exact multiplication, which also makes subnormal numbers normal.
    const Words magnitude = to_words(bits & 0x7fff) << 13;
    const Words finite = reinterpret_cast<Words>(reinterpret_cast<Floats>(magnitude) * 0x1p112f);
    const Words is_finite = reinterpret_cast<Words>(magnitude < 0x7c00u << 13);
    const Words sign = to_words(bits & 0x8000) << 16;
    return reinterpret_cast<Floats>(select(is_finite, finite, magnitude | 0x7f800000u) | sign);
#endif
  }

  static RADIN_INLINE Shorts nearest(Words odd) {
#if defined(__F16C__) && defined(__AVX512F__)
    const __m128i rounded = _mm256_cvtps_ph(reinterpret_cast<__m256>(odd), _MM_FROUND_TO_NEAREST_INT);
    return load<Shorts>(&rounded);
#elif defined(__F16C__)
    const __m128i rounded = _mm_cvtps_ph(reinterpret_cast<__m128>(odd), _MM_FROUND_TO_NEAREST_INT);
    return load<Shorts>(&rounded);
#else
    const Words magnitude = odd & 0x7fffffffu;
    // Rebiasing the exponent from 127 to 15; a carry out of the fraction goes where it belongs, up to infinity.
    const Words normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    // Subnormal numbers count quanta of 2^-24, which is the spacing of float32 at 0.5.
    const Words small = reinterpret_cast<Words>(reinterpret_cast<Floats>(magnitude) + 0.5f) - 0x3f000000u;
    Words rounded = select(reinterpret_cast<Words>(magnitude < 0x38800000u), small, normal);
    rounded = select(reinterpret_cast<Words>(magnitude < 0x47800000u), rounded, splat<Words>(0x7c00));
    rounded = select(reinterpret_cast<Words>(magnitude > 0x7f800000u), splat<Words>(0x7e00), rounded);
    return to_shorts(rounded | (odd >> 16 & 0x8000));
#endif
  }
};

}  // namespace

}  // namespace radin
