// One sample while a bank is built: which of its classes stage 1 has to look at. Eliminates classes that no mixture can
// prefer to the label, samples that every mixture gets right or wrong, and classes that others make redundant.
#pragma once

#include <cstdint>
#include <vector>

#include "instruction_sets.h"

namespace radin {

enum class Verdict { kRight, kWrong, kUndecided };

class SampleClasses {
 public:
  SampleClasses(const InstructionSet& set, size_t models, size_t top) : set_(set), models_(models), top_(top) {
    label_logits_.resize(models);
  }

  // Decides a sample for top-k, or leaves the classes that decide it: it is wrong for a mixture if at least `need()` of the
  // kept classes are preferred.
  // `marks` [ceil(C / 16)] are the classes that some model ranks at least as high as the label; `row(k)` is a model's logits
  // [C]; `largest` is at least as large as the magnitude of each. Cost: the marked classes times N, and again for each that
  // is kept.
  template <class Row>
  Verdict classify(uint32_t label, uint16_t* marks, size_t words, float largest, const Row& row);

  size_t need() const { return need_; }
  size_t kept() const { return classes_.size(); }
  bool wins_ties(size_t i) const { return wins_ties_[i] != 0; }
  const std::vector<float>& label_logits() const { return label_logits_; }
  void append_logits(size_t i, std::vector<float>* to) const {
    for (size_t k = 0; k < models_; ++k) to->push_back(logits_[k * stride_ + i]);
  }

 private:
  bool list(uint32_t label, uint16_t* marks, size_t words);
  Verdict decide(float largest);
  void move(size_t from, size_t to);
  void swap(size_t a, size_t b);

  CandidateClasses view() const {
    return {logits_.data(), stride_, models_, classes_.size(), label_logits_.data()};
  }

  const InstructionSet& set_;
  const size_t models_;
  const size_t top_;
  size_t need_ = 0;
  size_t stride_ = 0;
  std::vector<uint32_t> classes_;     // those not eliminated so far, and beside them:
  std::vector<float> label_logits_;   // [N]
  std::vector<float> logits_;         // [N, stride]
  std::vector<int32_t> wins_ties_;    // [classes], -1 or 0
  std::vector<uint8_t> flags_;        // [classes]
  std::vector<float> ratings_;        // [classes]
  std::vector<int32_t> dominators_;   // [classes]
};

template <class Row>
Verdict SampleClasses::classify(uint32_t label, uint16_t* marks, size_t words, float largest, const Row& row) {
  if (!list(label, marks, words)) return Verdict::kRight;
  for (size_t k = 0; k < models_; ++k) label_logits_[k] = row(k)[label];
  if (top_ == 1) {
    // The commonest verdict on samples with many marked classes, without gathering all of their logits: the class that the
    // first model ranks highest is preferred by every mixture.
    const float* const first = row(0);
    uint32_t highest = classes_[0];
    for (const uint32_t c : classes_) highest = first[c] > first[highest] ? c : highest;
    size_t k = 0;
    while (k < models_ && (highest < label ? row(k)[highest] >= label_logits_[k] : row(k)[highest] > label_logits_[k])) {
      ++k;
    }
    if (k == models_) return Verdict::kWrong;
  }
  for (size_t k = 0; k < models_; ++k) {
    const float* const from = row(k);
    float* const to = logits_.data() + k * stride_;
    for (size_t i = 0; i < classes_.size(); ++i) to[i] = from[classes_[i]];
  }
  return decide(largest);
}

}  // namespace radin
