// What building a bank is made of besides finding the marks: how samples are divided, how a tile's samples are decided
// from their marks, and what comes of all of them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "bank_arrange.h"
#include "logit_blocks.h"
#include "sample_classes.h"
#include "source.h"

namespace radin {

// Samples of a tile.
size_t tile_samples(const RadinLogits& logits);

// The first logit that is not finite; threads report concurrently.
struct NotFinite {
  std::mutex mutex;
  std::atomic<bool> found{false};
  RadinLogit first{};

  void note(const RadinLogit& logit);
};

// What the threads that build a bank share.
class BankParts {
 public:
  BankParts(const RadinLogits& logits, size_t top);

  size_t blocks() const { return leftovers_.size(); }
  size_t begin_of(size_t block) const { return block * block_samples_ < body_ ? block * block_samples_ : body_; }
  size_t end_of(size_t block) const { return block + 1 == blocks() ? logits_.samples : begin_of(block + 1); }

  const RadinLogits& logits() const { return logits_; }
  size_t top() const { return top_; }
  Sources& sources() { return sources_; }
  NotFinite& not_finite() { return not_finite_; }
  Leftover* leftover(size_t block) { return &leftovers_[block]; }

  // After all blocks.
  RadinStatus finish(RadinSourceFailure* failure, std::unique_ptr<Bank>* bank, RadinLogit* not_finite);

 private:
  const RadinLogits& logits_;
  const size_t top_;
  const size_t block_samples_;
  // Samples before the last ones, which have as many logits as kernels may read behind a row and are a block of their own: the
  // only one that has to be copied for the sake of its padding.
  const size_t body_;
  Sources sources_;
  NotFinite not_finite_;
  std::vector<Leftover> leftovers_;  // [blocks]
};

// One thread's decisions on tiles whose classes are marked.
class TileDecisions {
 public:
  TileDecisions(const InstructionSet& set, BankParts& parts)
      : parts_(parts), classes_(set, parts.logits().models, parts.top()) {}

  // The tile is samples [first, first + count) of a block that begins at sample `begin`. `marks` [count, ceil(C / 16)]
  // are those of SampleClasses::classify, `largest_bits` the bits of the largest magnitude, or more than those of the
  // largest float32 where some logit is not finite.
  void decide(const LogitBlocks& blocks, size_t begin, size_t first, size_t count, uint16_t* marks,
              int32_t largest_bits, Leftover* leftover);

 private:
  void decide_sample(const LogitBlocks& blocks, size_t sample, size_t in_block, uint16_t* marks, float largest,
                     Leftover* leftover);
  void find_not_finite(const LogitBlocks& blocks, size_t begin, size_t first, size_t count);

  BankParts& parts_;
  SampleClasses classes_;
};

}  // namespace radin
