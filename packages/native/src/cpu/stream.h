#pragma once

#include "../kernels.h"
#include "instruction_sets.h"

namespace radin {

// May throw std::bad_alloc before any work has started.
RadinStatus stream(const InstructionSet& set, const RadinStream& request, const RadinRun& run);

}  // namespace radin
