// What is left of N models' logits for the cross-entropy of any mixture once the classes that matter little are replaced by
// bounds on their sum.
//
// Kept classes stand sample by sample as x = logit - label's logit, 16 at a time. The sum over a sample's dropped classes,
// exp f(p), lies between exp(sum p_k l_k) and exp(sum p_k u_k), because f is convex: u_k is its value for model k alone, l
// the tangent at the uniform mixture. So the bounds mix and exponentiate like two more classes. Where no p_k is above
// 1/2, p is a mixture of pairs of models, and any linear function that lies above f at the pairs is an upper bound: one
// that is about half as far away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../kernels.h"
#include "arena.h"
#include "far_losses.h"
#include "instruction_sets.h"

struct RadinEntropyBank {
  // 16 samples.
  struct Tile {
    const float* upper;    // [N, 16], u_k
    const float* lower;    // [N, 16], l_k
    const float* paired;   // [N, 16], an upper bound where no p_k is above 1/2
    const float* kept;     // sample after sample in steps of up to 64 classes, [N, classes of the step] each
    uint32_t classes[16];  // how many are kept, rounded up to 16; 0 for far samples and behind the last sample
    uint32_t near;         // a bit for each sample that is not far
  };
  size_t models = 0;
  std::vector<Tile> tiles;
  std::vector<radin::Arena> memory;
  // Samples with a logit too far from the label's are not kept: their losses together lie between two linear functions.
  uint64_t far_samples = 0;
  radin::FarBounds far;
  // What rounding can amount to: sums over the samples kept.
  double distances = 0.0;  // of the largest |x|
  double roundings = 0.0;  // in units of 2^-24
};

namespace radin {

// May throw std::bad_alloc. On success the caller owns *request.bank, which is of no use where a logit is not finite.
RadinStatus open_entropy_bank(const InstructionSet& set, const RadinOpenEntropyBank& request, const RadinRun& run);

RadinStatus entropy_bounds(const InstructionSet& set, const RadinEntropyBounds& request, const RadinRun& run);

}  // namespace radin
