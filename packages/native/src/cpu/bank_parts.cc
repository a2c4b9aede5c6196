#include "bank_parts.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace radin {

namespace {

// Bytes of one model's rows in a tile: as much as keeps the processor's prefetcher in one stream, and little enough for
// the tile of a dozen models to fit the second-level cache (16 samples of 1000 classes).
constexpr size_t kTileBytes = size_t{64} << 10;
// Bounds the tile's work space for few classes.
constexpr size_t kTileSamples = 256;
constexpr int32_t kInfinityBits = 0x7f800000;

}  // namespace

size_t tile_samples(const RadinLogits& logits) {
  return std::clamp<size_t>(kTileBytes / (4 * logits.classes), 1, kTileSamples);
}

void NotFinite::note(const RadinLogit& logit) {
  const std::lock_guard<std::mutex> lock(mutex);
  const bool is_earlier = logit.model != first.model ? logit.model < first.model : logit.sample < first.sample;
  if (!found || is_earlier) first = logit;
  found = true;
}

BankParts::BankParts(const RadinLogits& logits, size_t top)
    : logits_(logits),
      top_(top),
      block_samples_(LogitBlocks::block_samples(logits)),
      body_(logits.samples - std::min((kRowPadding + logits.classes - 1) / logits.classes, logits.samples)),
      sources_(logits.sources, logits.models),
      leftovers_(logits.samples == 0 ? 0 : (body_ + block_samples_ - 1) / block_samples_ + 1) {}

RadinStatus BankParts::finish(RadinSourceFailure* failure, std::unique_ptr<Bank>* result, RadinLogit* not_finite) {
  if (!sources_.finish(failure)) return RADIN_SOURCE_FAILED;
  if (not_finite_.found) {
    *not_finite = not_finite_.first;
    return RADIN_NOT_FINITE;
  }
  auto bank = std::make_unique<Bank>();
  bank->models = logits_.models;
  bank->samples = logits_.samples;
  bank->classes = logits_.classes;
  bank->top = top_;
  arrange(leftovers_, bank.get());
  *result = std::move(bank);
  return RADIN_DONE;
}

void TileDecisions::decide(const LogitBlocks& blocks, size_t begin, size_t first, size_t count, uint16_t* marks,
                           int32_t largest_bits, Leftover* leftover) {
  if (largest_bits >= kInfinityBits) return find_not_finite(blocks, begin, first, count);
  if (parts_.not_finite().found) return;
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  const size_t words = (parts_.logits().classes + kWordClasses - 1) / kWordClasses;
  for (size_t m = 0; m < count; ++m) {
    decide_sample(blocks, begin + first + m, first + m, marks + m * words, largest, leftover);
  }
}

void TileDecisions::decide_sample(const LogitBlocks& blocks, size_t sample, size_t in_block, uint16_t* marks,
                                  float largest, Leftover* leftover) {
  const RadinLogits& logits = parts_.logits();
  const size_t words = (logits.classes + kWordClasses - 1) / kWordClasses;
  const auto row_of = [&](size_t k) { return blocks.rows(k) + in_block * logits.classes; };
  switch (classes_.classify(static_cast<uint32_t>(logits.labels[sample]), marks, words, largest, row_of)) {
    case Verdict::kRight: ++leftover->always_right; return;
    case Verdict::kWrong: leftover->always_wrong.push_back(static_cast<uint32_t>(sample)); return;
    case Verdict::kUndecided: break;
  }
  leftover->samples.push_back({static_cast<uint32_t>(sample), static_cast<uint32_t>(classes_.need()),
                               static_cast<uint32_t>(classes_.kept())});
  const std::vector<float>& label_logits = classes_.label_logits();
  leftover->label_logits.insert(leftover->label_logits.end(), label_logits.begin(), label_logits.end());
  for (size_t i = 0; i < classes_.kept(); ++i) {
    classes_.append_logits(i, &leftover->class_logits);
    leftover->wins_ties.push_back(classes_.wins_ties(i));
  }
}

void TileDecisions::find_not_finite(const LogitBlocks& blocks, size_t begin, size_t first, size_t count) {
  const size_t classes = parts_.logits().classes;
  for (size_t k = 0; k < parts_.logits().models; ++k) {
    const float* const rows = blocks.rows(k) + first * classes;
    for (size_t i = 0; i < count * classes; ++i) {
      if (!std::isfinite(rows[i])) {
        return parts_.not_finite().note({k, begin + first + i / classes, i % classes, rows[i]});
      }
    }
  }
}

}  // namespace radin
