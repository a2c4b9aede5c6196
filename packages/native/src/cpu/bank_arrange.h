// From what the blocks of a pass left undecided to a bank.
#pragma once

#include <vector>

#include "bank.h"

namespace radin {

// What a block of samples leaves: the samples no mixture-independent rule decides, and their classes.
struct Leftover {
  struct Sample {
    uint32_t sample;
    uint32_t need;
    uint32_t rows;
  };
  std::vector<Sample> samples;
  std::vector<float> label_logits;  // [samples, N]
  std::vector<float> class_logits;  // [rows, N]
  std::vector<uint8_t> wins_ties;   // [rows]
  size_t always_right = 0;
  std::vector<uint32_t> always_wrong;
};

// Puts what the blocks left into groups of lanes, samples with most rows first, then in their order. May throw
// std::bad_alloc.
void arrange(const std::vector<Leftover>& leftovers, Bank* bank);

}  // namespace radin
