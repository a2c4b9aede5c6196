// Linear bounds on the cross-entropy of samples whose logits lie too far from the label's for a bank.
//
// The loss is convex in p, so it lies below the losses of the models alone, weighted by p, and above its tangent at the
// uniform mixture. Both are computed in float64 and added up over samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "logit_reader.h"

namespace radin {

struct FarBounds {
  double constant = 0.0;      // of the lower one
  std::vector<double> lower;  // [N]
  std::vector<double> upper;  // [N]

  explicit FarBounds(size_t models = 0) : lower(models, 0.0), upper(models, 0.0) {}
};

// One thread's work space.
class FarLosses {
 public:
  FarLosses(const CrossEntropyKernels& kernels, size_t models);

  // Adds the bounds of the samples first_sample + lane, a bit of `far` for each lane, to `bounds`. False where the call is
  // cancelled or a source cannot be read.
  bool add(LogitReader& reader, const RadinRun& run, size_t first_sample, size_t lanes, uint32_t far, FarBounds* bounds);

 private:
  const CrossEntropyKernels& kernels_;
  const size_t models_;
  std::vector<double> coefficients_;  // [N + 1, N]: each model alone, and the uniform mixture
  std::vector<double> slots_;
  std::vector<double> tops_, sums_;  // [N + 1, 16]
  std::vector<double> moments_;      // [N, 16], of the uniform mixture
};

}  // namespace radin
