#pragma once

#include <memory>

#include "bank.h"
#include "instruction_sets.h"

namespace radin {

// Reads the logits once. May throw std::bad_alloc.
RadinStatus build_bank(const InstructionSet& set, const RadinLogits& logits, size_t top, const RadinRun& run,
                       std::unique_ptr<Bank>* bank, RadinLogit* not_finite);

}  // namespace radin
