// The logits of a tile of 16 samples as rows of float32, wherever they are and whatever their dtype.
//
// Float32 in memory is used where it lies. Everything else passes through a buffer of some samples or, where rows are
// long, of part of the classes: up to 1 MB for all models together, and at most 16 MB where 16 rows need more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../kernels.h"
#include "fork_join.h"
#include "instruction_sets.h"
#include "source.h"

namespace radin {

// Classes added in float32 before the sum goes on in float64: part of the bits, equal to BLOCK_CLASSES in
// lib/cross-entropy.ts.
constexpr size_t kBlockClasses = 64;

// One thread's reader.
class LogitReader {
 public:
  LogitReader(const RadinLogits& logits, Sources& sources, const CrossEntropyKernels& kernels);

  // How many classes `load` takes at a time: all of them, or a multiple of kRowPart.
  size_t window_classes() const { return window_classes_; }

  // Makes rows() the classes [first_class, first_class + window_classes()), as far as there are so many, of `lanes` <= 16
  // samples; the lanes behind repeat the first one. False where a source cannot be read.
  bool load(size_t first_sample, size_t lanes, size_t first_class);

  TileRows rows() const { return {logits_.models, rows_.data(), labels_.data()}; }

  // Loads window after window of `lanes` samples and calls step(first class in the window, number of classes, whether a
  // block of kBlockClasses ends) for kSlotClasses classes after the other, and `after_window` behind each window. False
  // where the call is cancelled or a source cannot be read.
  template <class Step, class AfterWindow>
  bool for_each_step(const RadinRun& run, size_t first_sample, size_t lanes, const Step& step,
                     const AfterWindow& after_window) {
    for (size_t window = 0; window < logits_.classes; window += window_classes_) {
      if (!load(first_sample, lanes, window)) return false;
      const size_t end = loaded_classes();
      for (size_t block = 0; block < end; block += kBlockClasses) {
        if (is_cancelled(run)) return false;
        const size_t block_end = block + kBlockClasses < end ? block + kBlockClasses : end;
        for (size_t c = block; c < block_end; c += kSlotClasses) {
          const size_t count = c + kSlotClasses < block_end ? kSlotClasses : block_end - c;
          step(c, count, c + count == block_end);
        }
      }
      after_window();
    }
    return true;
  }

  // How many classes the last `load` made available.
  size_t loaded_classes() const;

  // Where in [N, M, C] the first logit of the loaded rows that is not finite lies, or UINT64_MAX.
  uint64_t first_nonfinite() const;

 private:
  struct Window {
    size_t first_sample = 0, samples = 0, first_class = 0;
  };
  bool is_direct(size_t model) const {
    return logits_.dtypes[model] == RADIN_F32 && logits_.sources[model].memory != nullptr;
  }
  bool fill(const Window& window);
  bool read(size_t model, size_t first_element, size_t count, float* to);

  const RadinLogits& logits_;
  Sources& sources_;
  const CrossEntropyKernels& kernels_;
  size_t window_samples_;
  size_t window_classes_;
  Window window_;
  size_t loaded_sample_ = 0, loaded_lanes_ = 0, loaded_class_ = 0;
  std::vector<size_t> buffer_of_;  // of each model, in `buffer_`; unused for those that are used where they lie
  std::vector<float> buffer_;
  std::vector<uint8_t> raw_;  // what was read, before it is widened
  std::vector<const uint8_t*> rows_;  // [N, 16]
  std::vector<float> labels_;         // [N, 16]
};

}  // namespace radin
