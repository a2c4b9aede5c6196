// Vectors as wide as the instruction set's registers, by the compilers' vector extension: one source for all sets. Only
// what the extension lacks, gathering a comparison into bits, is spelled out for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "instruction_set.h"

namespace radin {
namespace {

#if defined(__AVX512F__)
constexpr size_t kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr size_t kVectorBytes = 32;
#else
constexpr size_t kVectorBytes = 16;
#endif
constexpr size_t kLanes = kVectorBytes / 4;

typedef float Floats __attribute__((vector_size(kVectorBytes)));
typedef int32_t Ints __attribute__((vector_size(kVectorBytes)));

template <class Vector, class Element>
inline Vector load(const Element* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <class Vector, class Element>
inline void store(Element* to, Vector vector) {
  std::memcpy(to, &vector, sizeof vector);
}

inline Floats broadcast(float value) { return value - Floats{}; }
inline Ints broadcast(int32_t value) { return value - Ints{}; }

inline Ints bits_of(Floats values) {
  Ints bits;
  std::memcpy(&bits, &values, sizeof bits);
  return bits;
}

inline Ints larger(Ints a, Ints b) { return a > b ? a : b; }

// One bit per lane of a comparison's result, whose lanes are 0 or −1; lane 0 is the lowest bit.
inline uint32_t lane_bits(Ints comparison) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(comparison));
#elif defined(__AVX2__)
  return static_cast<uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(comparison)));
#elif defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_ps(reinterpret_cast<__m128>(comparison)));
#elif defined(__aarch64__)
  const Ints places = {1, 2, 4, 8};
  return static_cast<uint32_t>(vaddvq_s32(reinterpret_cast<int32x4_t>(comparison & places)));
#else
  uint32_t bits = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) bits |= static_cast<uint32_t>(comparison[lane] & 1) << lane;
  return bits;
#endif
}

// One bit per lane in which a >= b.
inline uint32_t at_least_bits(Floats a, Floats b) {
#if defined(__AVX512F__)  // GCC would make a vector of the mask and a mask of the vector
  return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), _CMP_GE_OQ);
#else
  return lane_bits(a >= b);
#endif
}

// Groups of 16 lanes, as many vectors as that takes.
constexpr size_t kGroup = 16;
constexpr size_t kParts = kGroup / kLanes;

}  // namespace
}  // namespace radin
