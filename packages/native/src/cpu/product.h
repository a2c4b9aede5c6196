#pragma once

#include <cstddef>

#include "../kernels.h"
#include "instruction_sets.h"

namespace radin {

// Elements `first` to `first + count` of left · right, row-major, of matrices [rows, rank] and [rank, columns].
struct ProductRequest {
  double* values;  // in and out: [count]
  size_t first, count;
  const double* left;
  const double* right;
  size_t rank, columns;
  double scale;
};

// values += scale · (left · right); see AddProductRequest in lib/add-product.ts.
RadinStatus add_product(const InstructionSet& set, const ProductRequest& request, const RadinRun& run);

}  // namespace radin
