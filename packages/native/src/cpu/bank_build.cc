// Building a bank: one pass over the logits, at the speed of memory.
//
// A thread takes a block of samples of all models, scans it in tiles that stay in the second-level cache for as many
// models as fit, and looks at the few marked classes of each sample again: sample_classes.h decides what is kept.
// Memory beyond the bank: what is kept, once more while it is put in order, and per thread the blocks of logit_blocks.h.

#include "bank_build.h"

#include <algorithm>

#include "bank_parts.h"
#include "fork_join.h"

namespace radin {

namespace {

// Rows of at least this many classes (four cache lines) are worth fetching ahead one by one.
constexpr size_t kClassesToFetch = 64;

// One thread's pass over its blocks.
class Pass {
 public:
  Pass(const InstructionSet& set, BankParts& parts)
      : set_(set),
        parts_(parts),
        logits_(parts.logits()),
        words_((logits_.classes + kWordClasses - 1) / kWordClasses),
        blocks_(set, logits_, parts.sources()),
        decisions_(set, parts) {}

  void block(size_t index) {
    const size_t begin = parts_.begin_of(index);
    const size_t count = parts_.end_of(index) - begin;
    if (!blocks_.load(begin, count)) return;
    const size_t tile = tile_samples(logits_);
    for (size_t first = 0; first < count; first += tile) {
      const size_t size = std::min(tile, count - first);
      const int32_t largest_bits = scan_tile(begin, first, size);
      decisions_.decide(blocks_, begin, first, size, marks_.data(), largest_bits, parts_.leftover(index));
    }
  }

 private:
  // Makes the tile's marks and returns the bits of its largest magnitude.
  int32_t scan_tile(size_t begin, size_t first, size_t count) {
    marks_.assign(count * words_, 0);
    thresholds_.resize(count);
    int32_t lanes[kBankLanes] = {};
    for (size_t k = 0; k < logits_.models; ++k) {
      const float* const rows = blocks_.rows(k) + first * logits_.classes;
      const int32_t* const labels = logits_.labels + begin + first;
      for (size_t m = 0; m < count; ++m) thresholds_[m] = rows[m * logits_.classes + static_cast<size_t>(labels[m])];
      const float* const next = blocks_.rows(k + 1 < logits_.models ? k + 1 : 0) + first * logits_.classes;
      if (logits_.classes >= kClassesToFetch) {
        // The labels' logits lie anywhere in their rows: without this, each would be waited for in the next round.
        for (size_t m = 0; m < count; ++m) {
          __builtin_prefetch(next + m * logits_.classes + static_cast<size_t>(labels[m]));
        }
      }
      set_.bank.scan({rows, count, logits_.classes, thresholds_.data(), marks_.data(), lanes, next});
    }
    return *std::max_element(lanes, lanes + kBankLanes);
  }

  const InstructionSet& set_;
  BankParts& parts_;
  const RadinLogits& logits_;
  const size_t words_;
  LogitBlocks blocks_;
  TileDecisions decisions_;
  std::vector<uint16_t> marks_;    // [tile, words]
  std::vector<float> thresholds_;  // [tile]
};

}  // namespace

RadinStatus build_bank(const InstructionSet& set, const RadinLogits& logits, size_t top, const RadinRun& run,
                       std::unique_ptr<Bank>* bank, RadinLogit* not_finite) {
  BankParts parts(logits, top);
  std::vector<std::unique_ptr<Pass>> passes(worker_count(run, parts.blocks()));
  for (auto& pass : passes) pass = std::make_unique<Pass>(set, parts);
  const RadinStatus status = for_each_block(run, parts.blocks(), [&](uint32_t worker, size_t index) {
    if (!parts.sources().has_failed()) passes[worker]->block(index);
  });
  return status == RADIN_DONE ? parts.finish(run.source, bank, not_finite) : status;
}

}  // namespace radin
