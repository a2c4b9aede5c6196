// The innermost loops of a bank, for each instruction set: finding the classes to keep, and scoring mixtures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../bank.h"

namespace radin {

// Classes of 16 make a word of a bitmap.
constexpr size_t kWordClasses = 16;

// One model's logits of a tile of samples. Up to 15 floats behind the last row are read and ignored.
struct ScanTile {
  const float* logits;  // [samples, C]
  size_t samples, classes;
  const float* thresholds;  // [samples]: classes of at least this are marked
  uint16_t* marks;          // in and out: [samples, ceil(C / 16)]
  int32_t* largest;         // in and out: [samples, 16], bits of the largest magnitudes; above 0x7f7fffff if not finite
  const float* next;        // what will be scanned next, to be fetched ahead
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
  // `bytes` from 2-byte floats; F16 and BF16.
  void (*widen_f16)(const uint8_t* from, size_t count, float* to);
  void (*widen_bf16)(const uint8_t* from, size_t count, float* to);
  // For each mixture in [begin, end): the lanes of a group that are wrong, and those that only the float64 loop can tell.
  void (*group_masks)(const BankView& bank, size_t group, const BankMixtures& mixtures, size_t begin, size_t end,
                      uint16_t* wrong, uint16_t* uncertain);
};

}  // namespace radin
