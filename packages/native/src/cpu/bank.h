// A bank: what is left of N models' logits on M samples once everything is eliminated that is the same for every mixture.
//
// Undecided samples stand in groups of 16 lanes, those with most classes left first, so that a group's slots (one class of
// each of its samples) are well filled. A slot holds the quantised differences of src/exact/rules.h, [N][16], and beside
// them the float32 logits themselves for the rare comparison that is not certain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../kernels.h"
#include "aligned_array.h"

namespace radin {

constexpr size_t kBankLanes = 16;

// What kernels see of a bank. G groups, T slots in all.
struct BankView {
  size_t models;
  size_t top;
  size_t groups;
  const uint32_t* first_slot;   // [G + 1]
  const int32_t* quantised;     // [T, N, 16]
  const int32_t* bias;          // [T, 16]
  const int32_t* slack;         // [T, 16]
  const float* weighted_slack;  // [T, 16]
  const int32_t* need;          // [G, 16]: wrong if that many slots are preferred
};

// Bias of a lane that has no class in a slot: never preferred.
constexpr int32_t kNoClass = -(int32_t{1} << 29);

struct Bank {
  size_t models = 0;
  size_t samples = 0;
  size_t classes = 0;
  size_t top = 1;
  size_t always_right = 0;
  size_t undecided = 0;
  size_t rows = 0;  // classes left, over all undecided samples
  std::vector<uint32_t> always_wrong;  // the samples that every mixture gets wrong

  size_t groups = 0;
  AlignedArray<uint32_t> first_slot;
  AlignedArray<int32_t> quantised;
  AlignedArray<int32_t> bias;
  AlignedArray<int32_t> slack;
  AlignedArray<float> weighted_slack;
  AlignedArray<int32_t> need;
  AlignedArray<uint32_t> sample;       // [G, 16]; kNoSample in lanes without one
  AlignedArray<float> label_logits;    // [G, 16, N]
  AlignedArray<float> class_logits;    // [T, 16, N]
  AlignedArray<uint16_t> wins_ties;    // [T], a bit per lane

  static constexpr uint32_t kNoSample = UINT32_MAX;

  BankView view() const {
    return {models, top, groups, first_slot.data(), quantised.data(), bias.data(), slack.data(),
            weighted_slack.data(), need.data()};
  }
  size_t bytes() const {
    return sizeof(uint32_t) * always_wrong.size() + first_slot.bytes() + quantised.bytes() + bias.bytes() + slack.bytes() +
           weighted_slack.bytes() + need.bytes() +
           sample.bytes() + label_logits.bytes() + class_logits.bytes() + wins_ties.bytes();
  }
  // Whether a mixture gets the sample in that lane wrong, by the float64 loop itself. Coefficients [N], the largest 1.
  bool is_wrong(size_t group, size_t lane, const double* coefficients) const;
  // The lanes of a group that a mixture gets wrong: those known to be, and the uncertain ones of which `is_wrong` says so.
  uint32_t wrong_lanes(size_t group, uint16_t wrong, uint16_t uncertain, const double* coefficients) const;
};

}  // namespace radin
