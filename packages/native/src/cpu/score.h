#pragma once

#include "../kernels.h"
#include "instruction_sets.h"

namespace radin {

// May throw std::bad_alloc before any work has started.
RadinStatus score(const InstructionSet&, const RadinScore& request, const RadinRun& run);

}  // namespace radin
