#pragma once

#include "instruction_sets.h"

namespace radin {

// The Gram matrices of a request; see RadinGram.
RadinStatus gram(const InstructionSet& set, const RadinGram& request, const RadinRun& run);

}  // namespace radin
