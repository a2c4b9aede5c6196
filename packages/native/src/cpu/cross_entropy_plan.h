// Mixtures in the form in which the kernels add them up: which sums of models they share, and in which order they come.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/cross_entropy_kernels.h"

namespace radin {

// Models whose sums are shared form groups of this many: part of the bits, equal to GROUP_MODELS in lib/cross-entropy.ts.
// With five, 200 subsets of 13 models take 3 terms each from at most 72 slots, which fit in the first-level cache.
constexpr size_t kGroupModels = 5;

// log2(e), to double.
constexpr double kLog2OfE = 1.4426950408889634;

class MixturePlan {
 public:
  // Coefficients [count, N], 1 / temperature of a row being its sum; the rows must stay.
  MixturePlan(const double* coefficients, size_t count, size_t models);

  CrossEntropyPlan view() const;
  bool is_uniform(size_t s) const { return s < uniform_; }
  size_t mixtures() const { return order_.size(); }
  size_t slots() const { return models_ + shares_.size(); }
  // Which row the plan's mixture `s` was.
  size_t row(size_t s) const { return order_[s]; }
  const double* coefficients(size_t s) const { return coefficients_ + order_[s] * models_; }

 private:
  struct Terms {
    std::vector<uint32_t> slots;
    std::vector<float> coefficients;
    float scale;
    bool is_uniform;
    size_t row;
  };
  Terms terms_of(size_t row, std::vector<std::vector<uint32_t>>& children);

  const double* coefficients_;
  size_t models_;
  std::vector<CrossEntropyPlan::Shared> shares_;
  std::vector<size_t> order_;
  std::vector<CrossEntropyPlan::Mixture> mixtures_;
  std::vector<uint32_t> slots_;
  std::vector<float> term_coefficients_;
  size_t uniform_ = 0;
};

}  // namespace radin
