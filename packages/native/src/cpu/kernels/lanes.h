// Vectors as wide as the instruction set's registers, for kernels whose arithmetic is in float64: kLanes numbers are
// handled at a time, as Doubles, and as narrower vectors of as many lanes where they are stored in fewer bits.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
// GCC 12 takes the operands that AVX-512's unmasked conversions ignore for uninitialized variables.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "instruction_set.h"

namespace radin {

namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
constexpr int kRegisters = 16;
#else
constexpr int kVectorBytes = 16;
constexpr int kRegisters = 16;
#endif

constexpr int kLanes = kVectorBytes / 8;

typedef double Doubles __attribute__((vector_size(kVectorBytes)));
typedef uint64_t Longs __attribute__((vector_size(kVectorBytes)));
typedef float Floats __attribute__((vector_size(kVectorBytes / 2)));
typedef uint32_t Words __attribute__((vector_size(kVectorBytes / 2)));
typedef uint16_t Shorts __attribute__((vector_size(kVectorBytes / 4)));

#define RADIN_INLINE inline __attribute__((always_inline))

template <class Vector>
RADIN_INLINE Vector load(const void* from) {
  Vector vector;
  __builtin_memcpy(&vector, from, sizeof vector);
  return vector;
}

// The first `bytes` bytes; the rest is 0.
template <class Vector>
RADIN_INLINE Vector load_some(const void* from, size_t bytes) {
  Vector vector = {};
  __builtin_memcpy(&vector, from, bytes);
  return vector;
}

template <class Vector>
RADIN_INLINE void store(void* to, Vector vector) {
  __builtin_memcpy(to, &vector, sizeof vector);
}

// Stores past the caches, so that memory which is only written is not read first. `to` is aligned to the vector's size.
template <class Vector>
RADIN_INLINE void stream(void* to, Vector vector) {
#if defined(__AVX512F__)
  if constexpr (sizeof vector == 64) return _mm512_stream_si512(reinterpret_cast<__m512i*>(to), load<__m512i>(&vector));
#endif
#if defined(__AVX2__)
  if constexpr (sizeof vector == 32) return _mm256_stream_si256(reinterpret_cast<__m256i*>(to), load<__m256i>(&vector));
#endif
#if defined(__x86_64__)
  if constexpr (sizeof vector == 16) return _mm_stream_si128(reinterpret_cast<__m128i*>(to), load<__m128i>(&vector));
  if constexpr (sizeof vector == 8) return _mm_stream_si64(reinterpret_cast<long long*>(to), load<long long>(&vector));
#endif
  store(to, vector);
}

// Makes what `stream` has stored visible before whatever this thread stores next.
RADIN_INLINE void finish_streaming() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

template <class Vector>
RADIN_INLINE Vector splat(decltype(Vector{}[0] + 0) value) {
  Vector vector;
  for (size_t lane = 0; lane < sizeof vector / sizeof vector[0]; ++lane) vector[lane] = value;
  return vector;
}

// `mask` has all bits of a lane set or none.
template <class Vector>
RADIN_INLINE Vector select(Vector mask, Vector yes, Vector no) {
  return (mask & yes) | (~mask & no);
}

// Conversions lane by lane. Intrinsics where there are any, because GCC 12 splits the generic ones into halves and
// shuffles.
RADIN_INLINE Doubles to_doubles(Floats lanes) {
#if defined(__AVX512F__)
  return reinterpret_cast<Doubles>(_mm512_cvtps_pd(reinterpret_cast<__m256>(lanes)));
#elif defined(__AVX2__)
  return reinterpret_cast<Doubles>(_mm256_cvtps_pd(reinterpret_cast<__m128>(lanes)));
#else
  return __builtin_convertvector(lanes, Doubles);
#endif
}

RADIN_INLINE Floats to_floats(Doubles lanes) {
#if defined(__AVX512F__)
  return reinterpret_cast<Floats>(_mm512_cvtpd_ps(reinterpret_cast<__m512d>(lanes)));
#elif defined(__AVX2__)
  return reinterpret_cast<Floats>(_mm256_cvtpd_ps(reinterpret_cast<__m256d>(lanes)));
#else
  return __builtin_convertvector(lanes, Floats);
#endif
}

RADIN_INLINE Words to_words(Shorts lanes) {
#if defined(__AVX512F__)
  return reinterpret_cast<Words>(_mm256_cvtepu16_epi32(load<__m128i>(&lanes)));
#elif defined(__AVX2__)
  return reinterpret_cast<Words>(_mm_cvtepu16_epi32(_mm_cvtsi64_si128(load<long long>(&lanes))));
#else
  return __builtin_convertvector(lanes, Words);
#endif
}

// The low bits of each lane.
RADIN_INLINE Words to_words(Longs lanes) {
#if defined(__AVX512F__)
  return reinterpret_cast<Words>(_mm512_cvtepi64_epi32(reinterpret_cast<__m512i>(lanes)));
#else
  return __builtin_convertvector(lanes, Words);
#endif
}

RADIN_INLINE Shorts to_shorts(Words lanes) {
#if defined(__AVX512VL__)
  const __m128i low = _mm256_cvtepi32_epi16(reinterpret_cast<__m256i>(lanes));
  return load<Shorts>(&low);
#else
  return __builtin_convertvector(lanes, Shorts);
#endif
}

// a · b − c and c − a · b, rounded once where the instruction set can.
#if defined(__AVX512F__)
constexpr bool kHasFusedMultiplyAdd = true;
RADIN_INLINE Doubles multiply_subtract(Doubles a, Doubles b, Doubles c) {
  return reinterpret_cast<Doubles>(
      _mm512_fmsub_pd(reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b), reinterpret_cast<__m512d>(c)));
}
RADIN_INLINE Doubles subtract_product(Doubles c, Doubles a, Doubles b) {
  return reinterpret_cast<Doubles>(
      _mm512_fnmadd_pd(reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b), reinterpret_cast<__m512d>(c)));
}
#elif defined(__FMA__)
constexpr bool kHasFusedMultiplyAdd = true;
RADIN_INLINE Doubles multiply_subtract(Doubles a, Doubles b, Doubles c) {
  return reinterpret_cast<Doubles>(
      _mm256_fmsub_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b), reinterpret_cast<__m256d>(c)));
}
RADIN_INLINE Doubles subtract_product(Doubles c, Doubles a, Doubles b) {
  return reinterpret_cast<Doubles>(
      _mm256_fnmadd_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b), reinterpret_cast<__m256d>(c)));
}
#elif defined(__aarch64__)
constexpr bool kHasFusedMultiplyAdd = true;
RADIN_INLINE Doubles multiply_subtract(Doubles a, Doubles b, Doubles c) {
  return reinterpret_cast<Doubles>(vfmaq_f64(vnegq_f64(reinterpret_cast<float64x2_t>(c)),
                                             reinterpret_cast<float64x2_t>(a), reinterpret_cast<float64x2_t>(b)));
}
RADIN_INLINE Doubles subtract_product(Doubles c, Doubles a, Doubles b) {
  return reinterpret_cast<Doubles>(vfmsq_f64(reinterpret_cast<float64x2_t>(c), reinterpret_cast<float64x2_t>(a),
                                             reinterpret_cast<float64x2_t>(b)));
}
#else
constexpr bool kHasFusedMultiplyAdd = false;
RADIN_INLINE Doubles multiply_subtract(Doubles a, Doubles b, Doubles c) { return a * b - c; }
RADIN_INLINE Doubles subtract_product(Doubles c, Doubles a, Doubles b) { return c - a * b; }
#endif

template <class Vector>
RADIN_INLINE bool any(Vector bits) {
#if defined(__AVX512F__)
  if constexpr (sizeof bits == 64) {
    const __m512i all = load<__m512i>(&bits);
    return _mm512_test_epi64_mask(all, all) != 0;
  }
#endif
#if defined(__AVX2__)
  if constexpr (sizeof bits == 32) {
    const __m256i all = load<__m256i>(&bits);
    return _mm256_testz_si256(all, all) == 0;
  }
#endif
  uint64_t words[(sizeof bits + 7) / 8] = {};
  __builtin_memcpy(words, &bits, sizeof bits);
  uint64_t all = 0;
  for (const uint64_t word : words) all |= word;
  return all != 0;
}

}  // namespace

}  // namespace radin
