// Scanning logits for a bank, and scoring mixtures on it.
//
// Scan. Fused: the comparison of all classes with the label's logit, the largest magnitude (which also finds infinities
// and NaNs), one bit per class. Each logit is read once; nothing but the bits is written.
// Rate and dominate. A sample's few candidate classes side by side in lanes, one pass over the models for each dominator.
// Group masks. Fused: sums over a mixture's ingredients of all slots of 16 samples, their comparison, and the count of
// preferred classes. The sums exist in registers only. Memory read per group and mixture: 64 bytes per slot and ingredient,
// from the first-level cache, where the group stays while all mixtures pass.

#include "bank_kernels.h"

#include "../../exact/rules.h"
#include "../float_formats.h"
#include "simd.h"

namespace radin {
namespace {

// The marks of 16 classes.
inline uint32_t scan_word(const float* logits, Floats threshold, Ints* largest) {
  uint32_t marks = 0;
  for (size_t part = 0; part < kParts; ++part) {
    const Floats values = load<Floats>(logits + part * kLanes);
    largest[part] = larger(largest[part], bits_of(values) & broadcast(int32_t{0x7fffffff}));
    marks |= at_least_bits(values, threshold) << (part * kLanes);
  }
  return marks;
}

// The marks of a row's last classes, fewer than 16; `magnitude` is 0 in the lanes behind them.
inline uint32_t scan_rest(const float* logits, Floats threshold, const Ints* magnitude, Ints* largest) {
  uint32_t marks = 0;
  for (size_t part = 0; part < kParts; ++part) {
    const Floats values = load<Floats>(logits + part * kLanes);
    largest[part] = larger(largest[part], bits_of(values) & magnitude[part]);
    marks |= at_least_bits(values, threshold) << (part * kLanes);
  }
  return marks;
}

void scan(const ScanTile& tile) {
  const size_t whole = tile.classes / kWordClasses;
  const size_t rest = tile.classes % kWordClasses;
  const size_t words = whole + (rest > 0);
  const uint32_t rest_marks = (1u << rest) - 1;
  int32_t lanes[kGroup];
  for (size_t lane = 0; lane < kGroup; ++lane) lanes[lane] = lane < rest ? 0x7fffffff : 0;
  Ints magnitude[kParts];
  Ints largest[kParts];
  for (size_t part = 0; part < kParts; ++part) {
    magnitude[part] = load<Ints>(lanes + part * kLanes);
    largest[part] = load<Ints>(tile.largest + part * kLanes);
  }
  if (whole == 0) {  // a row is one word, and as many of them come in a stream as the processor fetches by itself
    for (size_t sample = 0; sample < tile.samples; ++sample) {
      const float* const row = tile.logits + sample * tile.classes;
      const uint32_t bits = scan_rest(row, broadcast(tile.thresholds[sample]), magnitude, largest);
      tile.marks[sample] = static_cast<uint16_t>(tile.marks[sample] | (bits & rest_marks));
    }
  } else {
    for (size_t sample = 0; sample < tile.samples; ++sample) {
      const float* const row = tile.logits + sample * tile.classes;
      const float* const ahead = sample + 1 == tile.samples ? tile.next : row + tile.classes;
      uint16_t* const marks = tile.marks + sample * words;
      const Floats threshold = broadcast(tile.thresholds[sample]);
      for (size_t word = 0; word < whole; ++word) {
        __builtin_prefetch(ahead + word * kWordClasses);
        const uint32_t bits = scan_word(row + word * kWordClasses, threshold, largest);
        marks[word] = static_cast<uint16_t>(marks[word] | bits);
      }
      if (rest > 0) {
        __builtin_prefetch(ahead + whole * kWordClasses);
        const uint32_t bits = scan_rest(row + whole * kWordClasses, threshold, magnitude, largest);
        marks[whole] = static_cast<uint16_t>(marks[whole] | (bits & rest_marks));
      }
    }
  }
  for (size_t part = 0; part < kParts; ++part) store(tile.largest + part * kLanes, largest[part]);
}

void rate(const CandidateClasses& candidates, const int32_t* wins_ties, uint8_t* flags, float* rating) {
  for (size_t i = 0; i < candidates.count; i += kLanes) {
    const Ints wins = load<Ints>(wins_ties + i);
    Ints can_be{};
    Ints must_be = ~Ints{};
    Floats above = broadcast(1e-30f);
    Floats below = broadcast(1e-30f);
    for (size_t k = 0; k < candidates.models; ++k) {
      const Floats logits = load<Floats>(candidates.logits + k * candidates.stride + i);
      const Floats label = broadcast(candidates.label_logits[k]);
      const Ints is_high_enough = (logits > label) | ((logits >= label) & wins);
      can_be |= is_high_enough;
      must_be &= is_high_enough;
      const Floats difference = logits - label;
      above += difference > Floats{} ? difference : Floats{};
      below -= difference < Floats{} ? difference : Floats{};
    }
    const Floats ratings = above / below;
    for (size_t lane = 0; lane < kLanes && i + lane < candidates.count; ++lane) {
      flags[i + lane] = static_cast<uint8_t>((can_be[lane] & kCanBe) | (must_be[lane] & kMustBe));
      rating[i + lane] = ratings[lane];
    }
  }
}

void dominate(const CandidateClasses& candidates, const int32_t* wins_ties, size_t dominator, float margin,
              int32_t* dominators) {
  constexpr float kSmallest = 0x1p-10f;  // bounds of the scale, for which the margin is made
  constexpr float kLargest = 0x1p10f;
  constexpr float kRounding = 1.0f + 0x1p-19f;  // a dozen float32 roundings, and some room
  const bool dominator_wins = wins_ties[dominator] != 0;
  for (size_t i = dominator + 1; i < candidates.count; i += kLanes) {
    Ints nowhere_below = dominator_wins ? ~Ints{} : ~load<Ints>(wins_ties + i);
    Ints impossible{};
    Floats least = broadcast(kSmallest);
    Floats most = broadcast(kLargest);
    for (size_t k = 0; k < candidates.models; ++k) {
      const float* const row = candidates.logits + k * candidates.stride;
      const Floats logits = load<Floats>(row + i);
      const float label = candidates.label_logits[k];
      nowhere_below &= broadcast(row[dominator]) >= logits;
      const Floats difference = logits - broadcast(label) + broadcast(margin);
      const float of_dominator = row[dominator] - label;
      if (of_dominator == 0.0f) {
        impossible |= difference > Floats{};
      } else {
        const Floats scale = difference * broadcast(1.0f / of_dominator);
        if (of_dominator > 0.0f) least = least > scale ? least : scale;
        else most = most < scale ? most : scale;
      }
    }
    const Ints is_scaled_below = (least * broadcast(kRounding) <= most) & ~impossible;
    store(dominators + i, load<Ints>(dominators + i) - (nowhere_below | is_scaled_below));
  }
}

void widen_f16(const uint8_t* from, size_t count, float* to) {
  size_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= count; i += 8) {
    __m128i halves;
    std::memcpy(&halves, from + 2 * i, sizeof halves);
    const __m256 values = _mm256_cvtph_ps(halves);
    std::memcpy(to + i, &values, sizeof values);
  }
#endif
  for (; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, from + 2 * i, sizeof bits);
    to[i] = static_cast<float>(Float16::widen(bits));
  }
}

void widen_bf16(const uint8_t* from, size_t count, float* to) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, from + 2 * i, sizeof bits);
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    std::memcpy(to + i, &wide, sizeof wide);
  }
}

// How many slots are preferred for certain, and how many perhaps, in each lane. For top-1 any slot decides, so the counts
// are kept as comparisons that are or-ed.
struct Preferred {
  Ints certain[kParts];
  Ints possible[kParts];
};

inline void note(Ints is_certain, Ints is_possible, bool any, size_t part, Preferred* preferred) {
  if (any) {
    preferred->certain[part] |= is_certain;
    preferred->possible[part] |= is_possible;
  } else {
    preferred->certain[part] -= is_certain;
    preferred->possible[part] -= is_possible;
  }
}

// Sums of integers: exact, and certain outside of the slack.
template <bool kAny>
Preferred uniform_subset(const BankView& bank, size_t first_slot, size_t last_slot, const uint16_t* ingredient,
                         size_t ingredients) {
  Preferred preferred{};
  for (size_t slot = first_slot; slot < last_slot; ++slot) {
    const int32_t* const quantised = bank.quantised + slot * bank.models * kGroup;
    Ints sum[kParts];
    for (size_t part = 0; part < kParts; ++part) sum[part] = load<Ints>(bank.bias + slot * kGroup + part * kLanes);
    for (size_t i = 0; i < ingredients; ++i) {
      const int32_t* const differences = quantised + ingredient[i] * kGroup;
      for (size_t part = 0; part < kParts; ++part) sum[part] += load<Ints>(differences + part * kLanes);
    }
    for (size_t part = 0; part < kParts; ++part) {
      const Ints slack = load<Ints>(bank.slack + slot * kGroup + part * kLanes);
      note(sum[part] > slack, sum[part] > -slack, kAny, part, &preferred);
    }
  }
  return preferred;
}

// Sums of float32 products. `band` bounds their error: quantisation is off by the slack for each unit of coefficients, and
// float32 arithmetic by weighted_rounding.
template <bool kAny>
Preferred weighted(const BankView& bank, size_t first_slot, size_t last_slot, const uint16_t* ingredient,
                   const float* coefficient, size_t ingredients, float total) {
  const float rounding = weighted_rounding(bank.models, total);
  Preferred preferred{};
  for (size_t slot = first_slot; slot < last_slot; ++slot) {
    const int32_t* const quantised = bank.quantised + slot * bank.models * kGroup;
    Floats sum[kParts];
    for (size_t part = 0; part < kParts; ++part) {
      sum[part] = __builtin_convertvector(load<Ints>(bank.bias + slot * kGroup + part * kLanes), Floats);
    }
    for (size_t i = 0; i < ingredients; ++i) {
      const int32_t* const differences = quantised + ingredient[i] * kGroup;
      const Floats a = broadcast(coefficient[i]);
      for (size_t part = 0; part < kParts; ++part) {
        sum[part] += a * __builtin_convertvector(load<Ints>(differences + part * kLanes), Floats);
      }
    }
    for (size_t part = 0; part < kParts; ++part) {
      const Floats slack = load<Floats>(bank.weighted_slack + slot * kGroup + part * kLanes);
      const Floats band = broadcast(1.01f * total) * (slack + broadcast(2.0f)) + broadcast(rounding);
      note(sum[part] > band, sum[part] > -band, kAny, part, &preferred);
    }
  }
  return preferred;
}

template <bool kAny>
void group_masks_for(const BankView& bank, size_t group, const BankMixtures& mixtures, size_t begin, size_t end,
                     uint16_t* wrong, uint16_t* uncertain) {
  const size_t first_slot = bank.first_slot[group];
  const size_t last_slot = bank.first_slot[group + 1];
  for (size_t s = begin; s < end; ++s) {
    const uint32_t first = mixtures.first[s];
    const size_t ingredients = mixtures.first[s + 1] - first;
    const uint16_t* const ingredient = mixtures.ingredient + first;
    const Preferred preferred = mixtures.uniform[s]
                                    ? uniform_subset<kAny>(bank, first_slot, last_slot, ingredient, ingredients)
                                    : weighted<kAny>(bank, first_slot, last_slot, ingredient,
                                                     mixtures.coefficient + first, ingredients, mixtures.total[s]);
    uint32_t certain = 0;
    uint32_t possible = 0;
    for (size_t part = 0; part < kParts; ++part) {
      Ints is_certain = preferred.certain[part];
      Ints is_possible = preferred.possible[part];
      if (!kAny) {
        const Ints need = load<Ints>(bank.need + group * kGroup + part * kLanes);
        is_certain = is_certain >= need;
        is_possible = is_possible >= need;
      }
      certain |= lane_bits(is_certain) << (part * kLanes);
      possible |= lane_bits(is_possible) << (part * kLanes);
    }
    wrong[s - begin] = static_cast<uint16_t>(certain);
    uncertain[s - begin] = static_cast<uint16_t>(possible & ~certain);
  }
}

void group_masks(const BankView& bank, size_t group, const BankMixtures& mixtures, size_t begin, size_t end,
                 uint16_t* wrong, uint16_t* uncertain) {
  const auto masks = bank.top == 1 ? group_masks_for<true> : group_masks_for<false>;
  masks(bank, group, mixtures, begin, end, wrong, uncertain);
}

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const BankKernels kBankKernels;
const BankKernels kBankKernels = {scan, rate, dominate, widen_f16, widen_bf16, group_masks};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
