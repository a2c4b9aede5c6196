#pragma once

#include "../kernels.h"
#include "instruction_sets.h"

namespace radin {

// May throw std::bad_alloc before any work has started.
RadinStatus cross_entropy(const InstructionSet& set, const RadinCrossEntropy& request, const RadinRun& run);

}  // namespace radin
