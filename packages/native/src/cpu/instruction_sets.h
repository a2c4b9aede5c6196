// The kernels of each instruction set that this build knows, and which of them this processor has. The only place outside
// CMakeLists.txt that knows their names.
#pragma once

#include "kernels/average_kernels.h"
#include "kernels/bank_kernels.h"
#include "kernels/cross_entropy_bank_kernels.h"
#include "kernels/cross_entropy_kernels.h"
#include "kernels/gram_kernels.h"
#include "kernels/predict_kernels.h"
#include "kernels/product_kernels.h"
#include "kernels/stream_kernels.h"
#include "kernels/subset_kernels.h"

namespace radin {

// One generic source compiled for one instruction set: the tables of kernels/.
struct InstructionSet {
  const AverageKernels& average;
  const BankKernels& bank;
  const SubsetKernels& subsets;
  const CrossEntropyKernels& cross_entropy;
  const CrossEntropyBankKernels& cross_entropy_bank;
  const StreamKernels& stream;
  const GramKernels& gram;
  const PredictKernels& predict;
  const ProductKernels& product;
};

// The fastest that this processor has: what backends use for their work on the host.
const InstructionSet& best_instruction_set();

}  // namespace radin
