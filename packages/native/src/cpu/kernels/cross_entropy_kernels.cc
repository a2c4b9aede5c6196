// Cross-entropy of many mixtures on a tile of 16 samples.
//
// Fused: subtracting the label's logit, mixing, exp, and the sum over classes; for the gradient also the sums weighted by
// each model's logits, for squared errors the sum of squares.
// Never in memory: the mixed logits and their exponentials.
// Shapes: slots [N + shared, 4, 16], sums [S, 16], moments [S, N, 16].
// Memory: slots of one step, some 70 for 13 models (18 KB), and the sums: both stay in the first two caches.
//
// A uniform subset costs one addition per group of models instead of one per model, because the sums inside a group are
// made once for all mixtures. Four independent classes hide the latency of the polynomial.

#include "cross_entropy_kernels.h"

#include <cstring>

#include "../elementary.h"
#include "exp2.h"
#include "instruction_set.h"

namespace radin {

namespace {

typedef float Four __attribute__((vector_size(16)));

// Floats [16] of each class of a slot, the vectors of one part of the lanes.
template <size_t kCount>
struct Classes {
  Floats of[kCount];
};

template <size_t kCount>
inline Floats total(const Classes<kCount>& e) {
  if constexpr (kCount == 1) return e.of[0];
  if constexpr (kCount == 2) return e.of[0] + e.of[1];
  if constexpr (kCount == 3) return (e.of[0] + e.of[1]) + e.of[2];
  if constexpr (kCount == 4) return (e.of[0] + e.of[1]) + (e.of[2] + e.of[3]);
}

// exp z of one mixture, for the lanes from `slots` on.
template <Exp kExp, size_t kCount, bool kUniform>
inline Classes<kCount> exponentials(const CrossEntropyPlan& plan, const CrossEntropyPlan::Mixture& mixture,
                                    const float* slots) {
  const uint32_t* const slot = plan.slot + mixture.first_term;
  const float* const coefficient = plan.coefficient + mixture.first_term;
  Classes<kCount> z;
  const float* from = slots + slot[0] * kSlotFloats;
  for (size_t c = 0; c < kCount; ++c) {
    z.of[c] = load(from + c * kTileLanes);
    if (!kUniform) z.of[c] = z.of[c] * coefficient[0];
  }
  for (uint32_t i = 1; i < mixture.terms; ++i) {
    from = slots + slot[i] * kSlotFloats;
    for (size_t c = 0; c < kCount; ++c) {
      const Floats x = load(from + c * kTileLanes);
      z.of[c] = z.of[c] + (kUniform ? x : x * coefficient[i]);
    }
  }
  for (size_t c = 0; c < kCount; ++c) z.of[c] = exp2_of<kExp>(kUniform ? z.of[c] * mixture.scale : z.of[c]);
  return z;
}

// What is added up besides exponentials: exp z * x_k of every model, or exp 2z.
enum class Also { kNothing, kMoments, kSquares };

template <Exp kExp, size_t kCount, bool kUniform, Also kAlso>
inline void add_mixture(const CrossEntropyPlan& plan, size_t s, const float* slots, float* sums, float* also) {
  for (size_t lane = 0; lane < kTileLanes; lane += kLanes) {
    const Classes<kCount> e = exponentials<kExp, kCount, kUniform>(plan, plan.mixture[s], slots + lane);
    float* const sum = sums + s * kTileLanes + lane;
    store(sum, load(sum) + total(e));
    if constexpr (kAlso == Also::kSquares) {
      Classes<kCount> squared;
      for (size_t c = 0; c < kCount; ++c) squared.of[c] = e.of[c] * e.of[c];
      float* const square = also + s * kTileLanes + lane;
      store(square, load(square) + total(squared));
    }
    if constexpr (kAlso == Also::kMoments) {
      for (size_t k = 0; k < plan.models; ++k) {
        Classes<kCount> weighted;
        const float* const x = slots + k * kSlotFloats + lane;
        for (size_t c = 0; c < kCount; ++c) weighted.of[c] = e.of[c] * load(x + c * kTileLanes);
        float* const moment = also + (s * plan.models + k) * kTileLanes + lane;
        store(moment, load(moment) + total(weighted));
      }
    }
  }
}

template <Exp kExp, size_t kCount, Also kAlso>
void add_all(const CrossEntropyPlan& plan, const float* slots, float* sums, float* also) {
  for (size_t s = 0; s < plan.uniform; ++s) add_mixture<kExp, kCount, true, kAlso>(plan, s, slots, sums, also);
  for (size_t s = plan.uniform; s < plan.mixtures; ++s) {
    add_mixture<kExp, kCount, false, kAlso>(plan, s, slots, sums, also);
  }
}

template <Exp kExp, Also kAlso>
void add_any(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums, float* also) {
  switch (count) {
    case 1: return add_all<kExp, 1, kAlso>(plan, slots, sums, also);
    case 2: return add_all<kExp, 2, kAlso>(plan, slots, sums, also);
    case 3: return add_all<kExp, 3, kAlso>(plan, slots, sums, also);
    default: return add_all<kExp, 4, kAlso>(plan, slots, sums, also);
  }
}

void add(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums) {
  add_any<Exp::kFloat, Also::kNothing>(plan, slots, count, sums, nullptr);
}

void add_clamped(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums) {
  add_any<Exp::kClamped, Also::kNothing>(plan, slots, count, sums, nullptr);
}

void add_coarse(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums) {
  add_any<Exp::kCoarse, Also::kNothing>(plan, slots, count, sums, nullptr);
}

void add_with_moments(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums, float* moments) {
  add_any<Exp::kFloat, Also::kMoments>(plan, slots, count, sums, moments);
}

void add_with_squares(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums, float* squares) {
  add_any<Exp::kFloat, Also::kSquares>(plan, slots, count, sums, squares);
}

void share(const CrossEntropyPlan& plan, float* slots) {
  float* to = slots + plan.models * kSlotFloats;
  for (size_t i = 0; i < plan.shared; ++i, to += kSlotFloats) {
    const float* const parent = slots + plan.share[i].parent * kSlotFloats;
    const float* const model = slots + plan.share[i].model * kSlotFloats;
    for (size_t j = 0; j < kSlotFloats; j += kLanes) store(to + j, load(parent + j) + load(model + j));
  }
}

inline Four load_four(const uint8_t* from) {
  Four values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

// Four classes of 16 samples, transposed four samples at a time.
inline void transpose(const uint8_t* const* row, size_t offset, float* to) {
  for (size_t lane = 0; lane < kTileLanes; lane += 4) {
    const Four a = load_four(row[lane] + offset);
    const Four b = load_four(row[lane + 1] + offset);
    const Four c = load_four(row[lane + 2] + offset);
    const Four d = load_four(row[lane + 3] + offset);
    const Four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const Four classes[4] = {
        __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
        __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
    for (size_t i = 0; i < 4; ++i) std::memcpy(to + i * kTileLanes + lane, &classes[i], sizeof classes[i]);
  }
}

inline float float_at(const uint8_t* row, size_t index) {
  float value;
  std::memcpy(&value, row + index * sizeof value, sizeof value);
  return value;
}

constexpr size_t kPrefetchBytes = 128;

void load_rows(const TileRows& rows, size_t first, size_t count, float* slots, int32_t* largest) {
  for (size_t k = 0; k < rows.models; ++k) {
    const uint8_t* const* const row = rows.row + k * kTileLanes;
    float* const slot = slots + k * kSlotFloats;
    if (count == kSlotClasses) {
      // The processor does not follow 16 N streams by itself. A step asks for the next lines of a quarter of them.
      const size_t lane = first % 16 / 4 * 4;
      for (size_t i = 0; i < 4; ++i) __builtin_prefetch(row[lane + i] + first * sizeof(float) + kPrefetchBytes);
      transpose(row, first * sizeof(float), slot);
      continue;
    }
    for (size_t c = 0; c < count; ++c) {
      for (size_t lane = 0; lane < kTileLanes; ++lane) slot[c * kTileLanes + lane] = float_at(row[lane], first + c);
    }
  }
  // In a loop of its own: vectors read back at once would wait for the narrower stores they are made of.
  for (size_t k = 0; k < rows.models; ++k) {
    for (size_t lane = 0; lane < kTileLanes; lane += kLanes) {
      const Floats label = load(rows.label + k * kTileLanes + lane);
      float* const slot = slots + k * kSlotFloats + lane;
      int32_t* const magnitudes = largest + k * kTileLanes + lane;
      Ints most;
      std::memcpy(&most, magnitudes, sizeof most);
      for (size_t c = 0; c < count; ++c) {
        const Floats x = load(slot + c * kTileLanes) - label;
        store(slot + c * kTileLanes, x);
        const Ints bits = bits_of(x) & 0x7fffffff;
        most = bits > most ? bits : most;
      }
      std::memcpy(magnitudes, &most, sizeof most);
    }
  }
}

void carry(float* from, size_t count, double* to) {
  for (size_t i = 0; i < count; ++i) {
    to[i] += static_cast<double>(from[i]);
    from[i] = 0.0f;
  }
}

void logarithms(double* values, size_t count) {
  for (size_t i = 0; i < count; ++i) values[i] = log_at_least_one(values[i]);
}

template <class Format>
void narrow(const uint8_t* from, size_t count, float* to) {
  typename Format::Bits bits;
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(&bits, from + i * sizeof bits, sizeof bits);
    to[i] = static_cast<float>(Format::widen(bits));
  }
}

void to_float32(RadinDtype dtype, const uint8_t* from, size_t count, float* to) {
  switch (dtype) {
    case RADIN_F16: return narrow<Float16>(from, count, to);
    case RADIN_BF16: return narrow<Bfloat16>(from, count, to);
    case RADIN_F32: return static_cast<void>(std::memcpy(to, from, count * sizeof *to));
    case RADIN_F64: return narrow<Float64>(from, count, to);
  }
}

void load_far(const TileRows& rows, size_t first, size_t count, double* slots) {
  for (size_t k = 0; k < rows.models; ++k) {
    for (size_t c = 0; c < count; ++c) {
      for (size_t lane = 0; lane < kTileLanes; ++lane) {
        const double logit = float_at(rows.row[k * kTileLanes + lane], first + c);
        slots[k * kSlotFloats + c * kTileLanes + lane] = logit - static_cast<double>(rows.label[k * kTileLanes + lane]);
      }
    }
  }
}

// z [4, 16] of a mixture, k ascending over a_k > 0, starting from the first product.
inline void mix_far(size_t models, const double* coefficients, const double* slots, size_t count, double* z) {
  const size_t values = count * kTileLanes;
  size_t k = 0;
  while (coefficients[k] == 0.0) ++k;
  for (size_t i = 0; i < values; ++i) z[i] = coefficients[k] * slots[k * kSlotFloats + i];
  for (++k; k < models; ++k) {
    if (coefficients[k] == 0.0) continue;
    for (size_t i = 0; i < values; ++i) z[i] += coefficients[k] * slots[k * kSlotFloats + i];
  }
}

void far_tops(size_t models, const double* coefficients, const double* slots, size_t count, double* tops) {
  double z[kSlotFloats];
  mix_far(models, coefficients, slots, count, z);
  for (size_t c = 0; c < count; ++c) {
    for (size_t lane = 0; lane < kTileLanes; ++lane) {
      const double value = z[c * kTileLanes + lane];
      tops[lane] = value > tops[lane] ? value : tops[lane];
    }
  }
}

void far_sums(size_t models, const double* coefficients, const double* slots, size_t count, const double* tops,
              double* sums, double* moments) {
  double z[kSlotFloats];
  mix_far(models, coefficients, slots, count, z);
  for (size_t c = 0; c < count; ++c) {
    for (size_t lane = 0; lane < kTileLanes; ++lane) {
      double& value = z[c * kTileLanes + lane];
      value = exp_nonpositive(value - tops[lane]);
      sums[lane] += value;
    }
  }
  if (moments == nullptr) return;
  for (size_t k = 0; k < models; ++k) {
    for (size_t c = 0; c < count; ++c) {
      for (size_t lane = 0; lane < kTileLanes; ++lane) {
        const size_t i = c * kTileLanes + lane;
        moments[k * kTileLanes + lane] += z[i] * slots[k * kSlotFloats + i];
      }
    }
  }
}

void far_squares(size_t models, const double* coefficients, const double* slots, size_t count, const double* tops,
                 double* squares) {
  double z[kSlotFloats];
  mix_far(models, coefficients, slots, count, z);
  for (size_t c = 0; c < count; ++c) {
    for (size_t lane = 0; lane < kTileLanes; ++lane) {
      const double value = exp_nonpositive(z[c * kTileLanes + lane] - tops[lane]);
      squares[lane] += value * value;
    }
  }
}

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const CrossEntropyKernels kCrossEntropyKernels;
const CrossEntropyKernels kCrossEntropyKernels = {
    to_float32,       load_rows,        share, add,        add_clamped, add_coarse,
    add_with_moments, add_with_squares, carry, logarithms, load_far,    far_tops,
    far_sums,         far_squares};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
