// Vectors as wide as the instruction set's registers, by the compilers' vector extension, and 2^t on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

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
constexpr size_t kLanes = kVectorBytes / sizeof(float);

typedef float Floats __attribute__((vector_size(kVectorBytes)));
typedef int32_t Ints __attribute__((vector_size(kVectorBytes)));
inline Floats load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline void store(float* to, Floats values) { std::memcpy(to, &values, sizeof values); }

inline Ints bits_of(Floats values) {
  Ints bits;
  std::memcpy(&bits, &values, sizeof bits);
  return bits;
}

// How far an exponential may be from the truth.
enum class Exp {
  kFloat,    // 4 units of 2^-24, and exact at 0
  kClamped,  // the same for |t| <= 120, and 2^+-120 beyond
  kCoarse    // a factor of 1 +- kCoarseError
};

// 2^t for |t| <= 120: t = n + r with |r| <= 1/2, and 2^r by a minimax polynomial: of degree 5 with the constant term 1 and
// a relative error below 1.5 * 2^-24, or of degree 3, below 7.5e-5. Adding 1.5 * 2^23 + 127 rounds t to the integer n and
// leaves n + 127, the exponent field of 2^n, in the low bits.
template <Exp kExp>
inline Floats exp2_of(Floats t) {
  constexpr float kRound = 12582912.0f + 127.0f;
  if constexpr (kExp == Exp::kClamped) {
    const Floats most = Floats{} + 120.0f;
    t = t < -most ? -most : t;
    t = t > most ? most : t;
  }
  const Floats shifted = t + kRound;
  const Floats r = t - (shifted - kRound);
  Floats power;
  if constexpr (kExp != Exp::kCoarse) {
    power = r * 0.00132546026725322f + 0.009671999141573906f;
    power = power * r + 0.05550779402256012f;
    power = power * r + 0.24022231996059418f;
    power = power * r + 0.6931469440460205f;
    power = power * r + 1.0f;
  } else {
    power = r * 0.0551714189350605f + 0.24261116981506348f;
    power = power * r + 0.6932610273361206f;
    power = power * r + 0.9999280571937561f;
  }
  Ints bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = bits << 23;
  Floats scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return power * scale;
}

}  // namespace

}  // namespace radin
