// The kernels of scoring all subsets; all_subsets.cu says what is fused and what never exists in memory.
#pragma once

#include "../cpu/bank.h"
#include "device.h"

namespace radin {

// High sums that a thread goes through with one low sum.
constexpr size_t kHighs = 8;

// The rows of groups [first_group, end_group): their slots' lanes, and tables of their sums.
struct Batch {
  BankView bank;
  size_t first_group, end_group;
  size_t first_slot;  // of the first group
  size_t low_models;
  size_t lows, highs;  // 2^low_models and 2^(N - low_models), the latter at least kHighs
  size_t subsets;      // 2^N
  int32_t* low;        // [rows, lows], with the bias
  int32_t* high;       // [rows, highs]
};

// One entry of a row's tables for each index.
struct MakeTables {
  Batch batch;

  RADIN_ANYWHERE void operator()(size_t index) const {
    const size_t row = index / (batch.lows + batch.highs);
    const size_t entry = index % (batch.lows + batch.highs);
    const size_t slot = batch.first_slot + row / kBankLanes;
    const size_t lane = row % kBankLanes;
    const bool is_low = entry < batch.lows;
    const size_t subset = is_low ? entry : (entry - batch.lows) << batch.low_models;
    int32_t sum = is_low ? batch.bank.bias[slot * kBankLanes + lane] : 0;
    for (size_t k = 0; k < batch.bank.models; ++k) {
      if ((subset >> k & 1) != 0) sum += batch.bank.quantised[(slot * batch.bank.models + k) * kBankLanes + lane];
    }
    if (is_low) batch.low[row * batch.lows + entry] = sum;
    else batch.high[row * batch.highs + (entry - batch.lows)] = sum;
  }
};

struct UncertainPair {
  uint32_t subset;
  uint32_t place;  // group * 16 + lane
};

// One low subset with kHighs high ones for each index, low ones side by side.
struct ScoreSubsets {
  Batch batch;
  size_t first;              // added to the index
  uint32_t* wrong;           // in and out: [2^N]
  UncertainPair* uncertain;  // out: [room]
  size_t room;
  uint32_t* uncertain_count; // in and out; may exceed the room

  RADIN_ANYWHERE void operator()(size_t index) const {
    const size_t low = (first + index) % batch.lows;
    const size_t first_high = (first + index) / batch.lows * kHighs;
    uint32_t wrong_here[kHighs] = {};
    for (size_t group = batch.first_group; group < batch.end_group; ++group) {
      const size_t begin = batch.bank.first_slot[group];
      const size_t end = batch.bank.first_slot[group + 1];
      for (size_t lane = 0; lane < kBankLanes; ++lane) {
        const int32_t need = batch.bank.need[group * kBankLanes + lane];
        int32_t certain[kHighs] = {};
        int32_t possible[kHighs] = {};
        for (size_t slot = begin; slot < end; ++slot) {
          const size_t row = (slot - batch.first_slot) * kBankLanes + lane;
          const int32_t low_sum = batch.low[row * batch.lows + low];
          const int32_t* const high_sum = batch.high + row * batch.highs + first_high;
          const int32_t slack = batch.bank.slack[slot * kBankLanes + lane];
          for (size_t i = 0; i < kHighs; ++i) {
            const int32_t sum = low_sum + high_sum[i];
            certain[i] += sum > slack;
            possible[i] += sum > -slack;
          }
        }
        for (size_t i = 0; i < kHighs; ++i) {
          wrong_here[i] += certain[i] >= need;
          if (certain[i] < need && possible[i] >= need) note(low, first_high + i, group * kBankLanes + lane);
        }
      }
    }
    for (size_t i = 0; i < kHighs; ++i) {
      const size_t subset = subset_of(low, first_high + i);
      if (subset < batch.subsets) wrong[subset] += wrong_here[i];
    }
  }

 private:
  RADIN_ANYWHERE size_t subset_of(size_t low, size_t high) const { return high << batch.low_models | low; }

  RADIN_ANYWHERE void note(size_t low, size_t high, size_t place) const {
    const size_t subset = subset_of(low, high);
    if (subset == 0 || subset >= batch.subsets) return;
    const uint32_t at = atomic_add(uncertain_count, uint32_t{1});
    if (at < room) uncertain[at] = {static_cast<uint32_t>(subset), static_cast<uint32_t>(place)};
  }
};

}  // namespace radin
