// A thread's window on the logits of all models: blocks of samples as float32 rows, wherever and however they are stored.
//
// Memory: float32 logits in memory are used where they lie; others go through a buffer of some 32 MiB per thread (one
// sample of all models where that is more).
#pragma once

#include <cstdint>
#include <vector>

#include "../kernels.h"
#include "aligned_array.h"
#include "instruction_sets.h"
#include "source.h"

namespace radin {

// Kernels may read that many floats behind a row.
constexpr size_t kRowPadding = 16;

class LogitBlocks {
 public:
  LogitBlocks(const InstructionSet& set, const RadinLogits& logits, Sources& sources);

  // Samples of a block: what a thread takes at a time. The same for all threads and depends on shapes and dtypes only.
  static size_t block_samples(const RadinLogits& logits);

  // Makes rows [begin, begin + count) of all models readable; false where a source failed. Rows that are not the last of all
  // must have at least kRowPadding logits behind them.
  bool load(size_t begin, size_t count);

  // [count, C] of one model, readable for kRowPadding floats behind the last.
  const float* rows(size_t model) const { return rows_[model]; }

 private:
  const InstructionSet& set_;
  const RadinLogits& logits_;
  Sources& sources_;
  std::vector<const float*> rows_;
  AlignedArray<float> floats_;   // [N, rows + padding], for what is not float32 in memory
  AlignedArray<uint8_t> bytes_;  // one model's block as it stands in the file
};

}  // namespace radin
