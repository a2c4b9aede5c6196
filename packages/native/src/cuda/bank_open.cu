// Building a bank: the device finds the few classes of each sample that can matter, the host decides about them.
//
// Fused: the comparison of all classes of all models with the label's logit, the largest magnitude (which also finds
// infinities and NaNs), one bit per class. What comes back from the device is a 32nd of one model's logits.
// Never in device memory: more logits than the blocks under way, so that they may be larger than it.
// Shapes: a block's logits N x [samples, C], marks [samples, ceil(C / 16)].
// Memory: per slot a block of all models as float32 (some 32 MiB, see logit_blocks.h) in pinned memory and on the
// device.
// When it pays: where the logits are not in the processor's reach at memory speed, as files of 16-bit floats; logits in
// host memory cross the bus more slowly than the CPU would scan them.
//
// Blocks and tiles are the CPU's, so the bank is the same to the bit.

#include "bank_open.h"

#include <algorithm>

#include "../cpu/bank_parts.h"
#include "../cpu/float_formats.h"
#include "pieces.h"

namespace radin {

namespace {

// 16 classes of one sample for each index.
struct MarkClasses {
  const float* logits;  // N x [samples, C], `stride` floats apart
  size_t stride;
  size_t models, classes, words;
  const int32_t* labels;  // [samples]
  uint16_t* marks;        // out: [samples, words]
  int32_t* largest;       // in and out: [samples], bits of the largest magnitudes

  RADIN_ANYWHERE void operator()(size_t index) const {
    const size_t sample = index / words;
    const size_t first = index % words * kWordClasses;
    const size_t count = first + kWordClasses < classes ? kWordClasses : classes - first;
    uint32_t bits = 0;
    int32_t largest_here = 0;
    for (size_t k = 0; k < models; ++k) {
      const float* const row = logits + k * stride + sample * classes;
      const float threshold = row[labels[sample]];
      for (size_t c = 0; c < count; ++c) {
        const float value = row[first + c];
        if (value >= threshold) bits |= uint32_t{1} << c;
        const int32_t magnitude = bit_cast<int32_t>(value) & 0x7fffffff;
        largest_here = largest_here > magnitude ? largest_here : magnitude;
      }
    }
    marks[index] = static_cast<uint16_t>(bits);
    atomic_max(&largest[sample], largest_here);
  }
};

// Pinned memory of all slots, unless two of them need more.
constexpr size_t kPinnedBytes = size_t{256} << 20;

class Slot {
 public:
  Slot(const InstructionSet& set, BankParts& parts)
      : parts_(parts),
        words_((parts.logits().classes + kWordClasses - 1) / kWordClasses),
        blocks_(set, parts.logits(), parts.sources()),
        decisions_(set, parts),
        staged_logits_(LogitBlocks::staging_floats(parts.logits())),
        staged_labels_(LogitBlocks::block_samples(parts.logits())),
        staged_largest_(staged_labels_.size()),
        staged_marks_(staged_labels_.size() * words_),
        logits_(staged_logits_.size()),
        labels_(staged_labels_.size()),
        largest_(staged_labels_.size()),
        marks_(staged_marks_.size()) {
    blocks_.stage_in(staged_logits_.data());
  }

  static size_t bytes(const RadinLogits& logits) { return sizeof(float) * LogitBlocks::staging_floats(logits); }

  void start(size_t block) {
    const RadinLogits& logits = parts_.logits();
    block_ = block;
    begin_ = parts_.begin_of(block);
    count_ = parts_.end_of(block) - begin_;
    if (parts_.sources().has_failed() || !blocks_.load(begin_, count_)) return;
    std::copy_n(logits.labels + begin_, count_, staged_labels_.data());
    const size_t stride = count_ * logits.classes + kRowPadding;
    stream_.to_device(logits_.data(), staged_logits_.data(), logits.models * stride);
    stream_.to_device(labels_.data(), staged_labels_.data(), count_);
    stream_.clear(largest_.data(), count_);
    const MarkClasses kernel = {logits_.data(), stride,         logits.models, logits.classes,
                                words_,         labels_.data(), marks_.data(), largest_.data()};
    stream_.launch(kernel, count_ * words_);
    stream_.to_host(staged_marks_.data(), marks_.data(), count_ * words_);
    stream_.to_host(staged_largest_.data(), largest_.data(), count_);
    is_started_ = true;
  }

  void finish() {
    if (!is_started_) return;
    is_started_ = false;
    stream_.wait();
    const size_t tile = tile_samples(parts_.logits());
    for (size_t first = 0; first < count_; first += tile) {
      const size_t size = std::min(tile, count_ - first);
      const int32_t* const largest = staged_largest_.data() + first;
      decisions_.decide(blocks_, begin_, first, size, staged_marks_.data() + first * words_,
                        *std::max_element(largest, largest + size), parts_.leftover(block_));
    }
  }

 private:
  BankParts& parts_;
  const size_t words_;
  LogitBlocks blocks_;
  TileDecisions decisions_;
  PinnedArray<float> staged_logits_;
  PinnedArray<int32_t> staged_labels_, staged_largest_;
  PinnedArray<uint16_t> staged_marks_;
  DeviceArray<float> logits_;
  DeviceArray<int32_t> labels_, largest_;
  DeviceArray<uint16_t> marks_;
  size_t block_ = 0, begin_ = 0, count_ = 0;
  bool is_started_ = false;
  Stream stream_;
};

}  // namespace

RadinStatus open_bank_on_device(const RadinLogits& logits, size_t top, const RadinRun& run,
                                std::unique_ptr<DeviceBank>* bank, RadinLogit* not_finite) {
  BankParts parts(logits, top);
  if (parts.blocks() > 0) {
    const size_t available = std::min(kPinnedBytes, free_device_memory() / 2);
    const size_t fitting = std::max<size_t>(available / (2 * Slot::bytes(logits)), 1);
    const size_t workers = worker_count(std::min({run.threads, kFeedingThreads, fitting}), parts.blocks());
    const InstructionSet& set = best_instruction_set();
    const auto slots = slots_of<Slot>(workers, [&] { return std::make_unique<Slot>(set, parts); });
    const RadinStatus status = for_each_piece(run, parts.blocks(), slots);
    if (status != RADIN_DONE) return status;
  }
  std::unique_ptr<Bank> host;
  const RadinStatus status = parts.finish(run.source, &host, not_finite);
  if (status == RADIN_DONE) *bank = std::make_unique<DeviceBank>(std::move(host));
  return status;
}

}  // namespace radin
