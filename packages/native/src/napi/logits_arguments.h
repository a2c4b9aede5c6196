// The logits, their shape and the labels, as every call on them takes them.
#pragma once

#include <vector>

#include "arguments.h"

namespace radin {

// What the arguments from `position` on describe: dtypes: Int32Array [N], arrays: (Uint8Array | null)[] [N],
// ranges: Float64Array [N, 3], classes: C, labels: Int32Array [M]. Labels are copied: they are small, and one that changed
// after its check would read outside a row.
class LogitsArguments {
 public:
  LogitsArguments(const Arguments& arguments, size_t position);

  size_t models() const { return sources_.size(); }
  RadinLogits logits() const {
    return {sources_.size(), labels_.size(), classes_, dtypes_.data(), sources_.data(), labels_.data()};
  }

 private:
  std::vector<RadinDtype> dtypes_;
  std::vector<RadinSource> sources_;
  size_t classes_;
  std::vector<int32_t> labels_;
};

// @throws ArgumentError unless the coefficients [N] of a mixture are at least 0 and their sum is above 0 and below `most_sum`.
void require_mixture(const double* coefficients, size_t models, double most_sum = 2.0);

}  // namespace radin
