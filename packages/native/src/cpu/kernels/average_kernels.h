// The innermost loops of averaging, for each instruction set.
#pragma once

#include <cstddef>

#include "../../kernels.h"

namespace radin {

struct AverageKernels {
  // Averages the elements [begin, end) of a tensor.
  void (*block)(const RadinAverage& request, const RadinTensor& tensor, size_t begin, size_t end);
};

}  // namespace radin
