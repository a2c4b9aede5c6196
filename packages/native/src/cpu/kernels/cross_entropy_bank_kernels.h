// The innermost loops of banks for cross-entropy, for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cross_entropy_kernels.h"

namespace radin {

// Over the classes of a sample that are dropped, for one model.
struct TailSums {
  double sum = 0.0;     // exp x_k
  double moment = 0.0;  // exp z * x_k, where z is the mean of all models' x
};

struct CrossEntropyBankKernels {
  // For one sample, a lane of the rows. Largest x of any model for each of `count` classes, the largest of their smallest x
  // and the bits of the largest |x|, both in and out.
  void (*scan)(const TileRows& rows, size_t lane, size_t count, float* most, float* top, int32_t* largest);
  // to[i] = x of class classes[i] - first.
  void (*gather)(const uint8_t* row, float label, size_t first, const uint32_t* classes, size_t count, float* to);
  // Adds those of the classes [begin, end) with most < limit to the sums [N] of the models and exp z to `uniform`. All
  // |x| <= 64.
  void (*tail)(const TileRows& rows, size_t lane, size_t begin, size_t end, const float* most, float limit,
               TailSums* sums, double* uniform);
  // to[s * 16] = the 16 lanes of sums [S, 16] added up.
  void (*add_lanes)(const float* sums, size_t count, float* to);
  // lower = log(kept + lower), upper = log(kept + upper).
  void (*bound)(const float* kept, const float* below, const float* above, size_t count, double* lower, double* upper);
};

}  // namespace radin
