// The innermost loops of predictions, for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace radin {

struct PredictKernels {
  // What RadinPredict says of `samples` rows of logits. `rounder` is 1.5 times the least power of two of at least C.
  void (*predict)(const float* logits, size_t samples, size_t classes, double rounder, uint32_t* predicted,
                  double* sums);
};

}  // namespace radin
