// A row of a product of two matrices of small rank, scaled and added to float64 values.
//
// Fused: product, scaling and sum.
// Never in memory: the product.
// Shapes: values [count], left [rank], right [rank, columns].
// Memory: none. `right`, half a megabyte at rank 16 and 4,096 columns, is read once per row and stays in the second-level cache.
// Each sum is added up in the order of k, from 0 on, every product and sum rounded to float64, whatever the vectors' width.

#include "product_kernels.h"

#include "lanes.h"

namespace radin {

namespace {

// Vectors of sums at a time: enough that one addition does not wait for the other.
constexpr int kVectors = 8;
constexpr size_t kStep = size_t{kVectors} * kLanes;

void add_row(double* values, size_t count, const double* left, const double* right, size_t rank, size_t columns,
             double scale) {
  size_t j = 0;
  for (; j + kStep <= count; j += kStep) {
    Doubles sums[kVectors] = {};
    for (size_t k = 0; k < rank; ++k) {
      const double* const from = right + k * columns + j;
      for (int v = 0; v < kVectors; ++v) sums[v] += left[k] * load<Doubles>(from + v * kLanes);
    }
    for (int v = 0; v < kVectors; ++v) {
      double* const to = values + j + static_cast<size_t>(v) * kLanes;
      store(to, load<Doubles>(to) + scale * sums[v]);
    }
  }
  for (; j < count; ++j) {
    double sum = 0.0;
    for (size_t k = 0; k < rank; ++k) sum += left[k] * right[k * columns + j];
    values[j] += scale * sum;
  }
}

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const ProductKernels kProductKernels;
const ProductKernels kProductKernels = {add_row};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
