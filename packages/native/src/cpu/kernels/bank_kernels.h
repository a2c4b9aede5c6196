// The innermost loops of a bank, for each instruction set: finding the classes to keep, and scoring mixtures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../bank.h"

namespace radin {

// Classes of 16 make a word of a bitmap.
constexpr size_t kWordClasses = 16;

constexpr uint8_t kCanBe = 1;
constexpr uint8_t kMustBe = 2;

// One model's logits of a tile of samples. Up to 15 floats behind the last row are read and ignored.
struct ScanTile {
  const float* logits;  // [samples, C]
  size_t samples, classes;
  const float* thresholds;  // [samples]: classes of at least this are marked
  uint16_t* marks;          // in and out: [samples, ceil(C / 16)]
  int32_t* largest;         // in and out: [16], bits of the largest magnitudes; above 0x7f7fffff if one is not finite
  const float* next;        // what will be scanned next, to be fetched ahead
};

// Classes of one sample that may be preferred to its label, by model: differences of classes are side by side.
struct CandidateClasses {
  const float* logits;  // [N, stride]
  size_t stride;        // room for `count` and a vector more
  size_t models, count;
  const float* label_logits;  // [N]
};

// Mixtures for a bank, S of them, each a list of ingredients.
struct BankMixtures {
  const uint32_t* first;       // [S + 1]: where a mixture's ingredients begin
  const uint16_t* ingredient;  // model indices, ascending in each mixture
  const float* coefficient;    // beside them, a_k
  const uint8_t* uniform;      // [S]: all a_k are 1
  const float* total;          // [S]: sum of a_k, rounded up
};

struct BankKernels {
  void (*scan)(const ScanTile& tile);
  // For each class: kCanBe, kMustBe where some model, or every model, ranks it high enough; `wins_ties` [count] says what is
  // enough. And its rating, which is larger for classes that dominate: positive differences against negative ones.
  void (*rate)(const CandidateClasses& candidates, const int32_t* wins_ties, uint8_t* flags, float* rating);
  // Counts in `dominators` [count] whether the class at `dominator` dominates each of the classes behind it: wherever one of
  // those is preferred, so is the dominator. See docs/numerics.md. `margin` is rounding_slack of the sample, or infinite.
  void (*dominate)(const CandidateClasses& candidates, const int32_t* wins_ties, size_t dominator, float margin,
                   int32_t* dominators);
  void (*widen_f16)(const uint8_t* from, size_t count, float* to);
  void (*widen_bf16)(const uint8_t* from, size_t count, float* to);
  // For each mixture in [begin, end): the lanes of a group that are wrong, and those that only the float64 loop can tell.
  void (*group_masks)(const BankView& bank, size_t group, const BankMixtures& mixtures, size_t begin, size_t end,
                      uint16_t* wrong, uint16_t* uncertain);
};

}  // namespace radin
