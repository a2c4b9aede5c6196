#pragma once

#include "bank.h"
#include "instruction_sets.h"

namespace radin {

// Correct samples of each of S mixtures; coefficients [S, N], the largest of each row 1, at least 0. May throw
// std::bad_alloc.
RadinStatus count_correct(const InstructionSet& set, const Bank& bank, const double* coefficients, size_t mixtures,
                          double* counts, const RadinRun& run);

// 1 for each of the M samples that the mixture gets right, else 0; coefficients [N]. May throw std::bad_alloc.
RadinStatus mark_correct(const InstructionSet& set, const Bank& bank, const double* coefficients, uint8_t* correct,
                         const RadinRun& run);

}  // namespace radin
