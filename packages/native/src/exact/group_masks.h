// Which of a group's 16 samples a mixture gets wrong, for certain or perhaps, lane by lane: the plain form of what
// cpu/kernels/bank_kernels.cc does with vectors.
#pragma once

#include "../cpu/bank.h"
#include "rules.h"

namespace radin {

// How many of the slots of each lane are preferred to the label for certain, and how many perhaps.
struct PreferredSlots {
  int32_t certain[kBankLanes];
  int32_t possible[kBankLanes];
};

// Uniform subsets: sums of integers, exact, and certain outside of the slack.
RADIN_SHARED PreferredSlots preferred_by_subset(const BankView& bank, size_t group, const uint16_t* ingredient,
                                                size_t ingredients) {
  PreferredSlots preferred{};
  for (size_t slot = bank.first_slot[group]; slot < bank.first_slot[group + 1]; ++slot) {
    int32_t sum[kBankLanes];
    for (size_t lane = 0; lane < kBankLanes; ++lane) sum[lane] = bank.bias[slot * kBankLanes + lane];
    for (size_t i = 0; i < ingredients; ++i) {
      const int32_t* const differences = bank.quantised + (slot * bank.models + ingredient[i]) * kBankLanes;
      for (size_t lane = 0; lane < kBankLanes; ++lane) sum[lane] += differences[lane];
    }
    for (size_t lane = 0; lane < kBankLanes; ++lane) {
      const int32_t slack = bank.slack[slot * kBankLanes + lane];
      preferred.certain[lane] += sum[lane] > slack;
      preferred.possible[lane] += sum[lane] > -slack;
    }
  }
  return preferred;
}

// Other mixtures: sums of float32 products, certain outside of a band that bounds their error.
RADIN_SHARED PreferredSlots preferred_by_weights(const BankView& bank, size_t group, const uint16_t* ingredient,
                                                 const float* coefficient, size_t ingredients, float total) {
  const float rounding = weighted_rounding(bank.models, total);
  PreferredSlots preferred{};
  for (size_t slot = bank.first_slot[group]; slot < bank.first_slot[group + 1]; ++slot) {
    float sum[kBankLanes];
    for (size_t lane = 0; lane < kBankLanes; ++lane) {
      sum[lane] = static_cast<float>(bank.bias[slot * kBankLanes + lane]);
    }
    for (size_t i = 0; i < ingredients; ++i) {
      const int32_t* const differences = bank.quantised + (slot * bank.models + ingredient[i]) * kBankLanes;
      for (size_t lane = 0; lane < kBankLanes; ++lane) {
        sum[lane] += coefficient[i] * static_cast<float>(differences[lane]);
      }
    }
    for (size_t lane = 0; lane < kBankLanes; ++lane) {
      const float slack = bank.weighted_slack[slot * kBankLanes + lane];
      const float band = 1.01f * total * (slack + 2.0f) + rounding;
      preferred.certain[lane] += sum[lane] > band;
      preferred.possible[lane] += sum[lane] > -band;
    }
  }
  return preferred;
}

// A bit for each lane that has as many preferred slots as make its sample wrong; lanes without a sample need INT32_MAX.
RADIN_SHARED uint32_t lanes_that_have_enough(const BankView& bank, size_t group, const int32_t* preferred) {
  uint32_t lanes = 0;
  for (size_t lane = 0; lane < kBankLanes; ++lane) {
    if (preferred[lane] >= bank.need[group * kBankLanes + lane]) lanes |= uint32_t{1} << lane;
  }
  return lanes;
}

}  // namespace radin
