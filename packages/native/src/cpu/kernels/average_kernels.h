// The innermost loops of averaging, for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../kernels.h"

namespace radin {

// Ingredients of a mean at most, so that a sum of equal float32 numbers is exact in float64, and so is its quotient.
constexpr size_t kMostOfMean = size_t{1} << 20;

// How one output is made of the streams of a block.
struct AverageRecipe {
  size_t ingredients;     // K >= 1
  const uint32_t* stream; // [K], indices of streams, in pool order
  const double* weights;  // [K], a_k
  bool is_mean;           // whether all a_k are 1, and the divisor is K <= kMostOfMean
  double divisor;
};

// The same range of elements of every model that some output uses, and of the outputs.
struct AverageBlock {
  RadinDtype dtype;
  size_t elements;
  size_t streams;
  const uint8_t* const* stream;  // [streams], of any alignment
  size_t outputs;
  const AverageRecipe* recipes;  // [outputs]
  uint8_t* const* output;        // [outputs], of any alignment
  uint8_t* work;                 // as many bytes as `work_bytes` says, aligned to 64; what is in it does not matter
  bool past_caches;              // whether outputs are so large that nobody will read them from a cache
};

struct AverageKernels {
  size_t (*work_bytes)(size_t streams, size_t outputs);
  // Averages the block; whether any output, before an element that is equal in all ingredients was copied, was NaN.
  bool (*block)(const AverageBlock& block);
};

}  // namespace radin
