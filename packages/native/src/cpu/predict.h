#pragma once

#include "../kernels.h"
#include "instruction_sets.h"

namespace radin {

// The predictions of a request; see RadinPredict.
RadinStatus predict(const InstructionSet& set, const RadinPredict& request, const RadinRun& run);

}  // namespace radin
