// The innermost loops of banks for cross-entropy, for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cross_entropy_kernels.h"

namespace radin {

// Part of a row that sums over classes are made of, whether or not the row is read in windows, which are multiples of it.
constexpr size_t kRowPart = 512;

// Over the classes of a sample that are dropped, for one model.
struct TailSums {
  double sum = 0.0;     // exp x_k, where no roots are asked for
  double moment = 0.0;  // exp z * x_k, where z is the mean of all models' x
};

struct CrossEntropyBankKernels {
  // For one sample, a lane of the rows. Largest x of any model for each of `count` classes, the largest of their smallest x
  // and the bits of the largest |x|, both in and out.
  void (*scan)(const TileRows& rows, size_t lane, size_t count, float* most, float* top, int32_t* largest);
  // to[i] = x of class classes[i] - first.
  void (*gather)(const uint8_t* row, float label, size_t first, const uint32_t* classes, size_t count, float* to);
  // Adds those of the classes [begin, end) with most < limit to the sums [N] of the models and exp z to `uniform`. All
  // |x| <= 64, and at most kRowPart classes. Where `roots` [N, kRowPart] is not null it gets exp(x / 2), 0 for the other
  // classes and behind them up to a multiple of 16.
  void (*tail)(const TileRows& rows, size_t lane, size_t begin, size_t end, const float* most, float limit,
               TailSums* sums, double* uniform, float* roots);
  // Adds sum exp((x_j + x_k) / 2) over `count` classes of the roots to the products [N, N] with j <= k, and to some others. For
  // j = k these are the sums of exp x_k.
  void (*pairs)(size_t models, const float* roots, size_t count, double* products);
  // to[s * 16] = the 16 lanes of sums [S, 16] added up.
  void (*add_lanes)(const float* sums, size_t count, float* to);
  // lower = log(kept + lower), upper = log(kept + upper).
  void (*bound)(const float* kept, const float* below, const float* above, size_t count, double* lower, double* upper);
};

}  // namespace radin
