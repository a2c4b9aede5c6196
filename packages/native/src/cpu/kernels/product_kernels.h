// The innermost loop of products of narrow matrices, for each instruction set.
#pragma once

#include <cstddef>

namespace radin {

struct ProductKernels {
  // values[j] += scale * (sum over k of left[k] * right[k * columns + j]), for j in [0, count), count <= columns.
  void (*add_row)(double* values, size_t count, const double* left, const double* right, size_t rank, size_t columns,
                  double scale);
};

}  // namespace radin
