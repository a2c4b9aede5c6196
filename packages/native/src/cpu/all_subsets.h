#pragma once

#include "bank.h"
#include "instruction_sets.h"

namespace radin {

// Scores all non-empty uniform subsets of a bank's N <= 24 models, keeping the best ones and figures for each size. May
// throw std::bad_alloc. Memory: 16 bytes per row and level that is branched on, 192 per row for the leaves, and per thread
// 12 bytes per row and level.
RadinStatus score_all_subsets(const InstructionSet& set, const Bank& bank, RadinAllSubsets* request,
                              const RadinRun& run);

}  // namespace radin
