#include "sample_classes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "../exact/rules.h"

namespace radin {

namespace {

// Kernels work on whole vectors.
constexpr size_t kVectorRoom = 16;

// Classes whose dominance over the others is tried: the strongest first, and after so many the rest is hardly thinned any
// more (in a pool of nothing but ruined models, where trying all would take longer than it saves).
constexpr size_t kMostDominators = 64;

// Above this, differences of float32 logits could overflow, and only dominance without arithmetic is asked for.
constexpr float kLargestForArithmetic = 1e37f;

}  // namespace

// Lists the marked classes without the label; false where there are none. Makes room for their logits.
bool SampleClasses::list(uint32_t label, uint16_t* marks, size_t words) {
  marks[label / kWordClasses] = static_cast<uint16_t>(marks[label / kWordClasses] & ~(1u << label % kWordClasses));
  classes_.clear();
  for (size_t word = 0; word < words; ++word) {
    for (uint32_t bits = marks[word]; bits != 0; bits &= bits - 1) {
      classes_.push_back(static_cast<uint32_t>(word * kWordClasses + static_cast<size_t>(__builtin_ctz(bits))));
    }
  }
  if (classes_.empty()) return false;
  const size_t room = classes_.size() + kVectorRoom;
  if (room > stride_) {
    stride_ = 2 * room;
    logits_.assign(models_ * stride_, 0.0f);
    wins_ties_.assign(stride_, 0);
    dominators_.assign(stride_, 0);
    flags_.resize(stride_);
    ratings_.resize(stride_);
  }
  for (size_t i = 0; i < classes_.size(); ++i) wins_ties_[i] = classes_[i] < label ? -1 : 0;
  return true;
}

Verdict SampleClasses::decide(float largest) {
  set_.bank.rate(view(), wins_ties_.data(), flags_.data(), ratings_.data());
  size_t always = 0;
  size_t candidates = 0;
  for (size_t i = 0; i < classes_.size(); ++i) {
    always += (flags_[i] & kMustBe) != 0;
    if (flags_[i] == kCanBe) move(i, candidates++);
  }
  classes_.resize(candidates);
  if (always >= top_) return Verdict::kWrong;
  need_ = top_ - always;
  if (candidates < need_) return Verdict::kRight;

  // A class that at least `need_` kept ones dominate is redundant: where it is preferred, they decide already. The highest
  // rating, which dominates most, is tried first, and what falls to it is taken out at once.
  const float margin = largest < kLargestForArithmetic
                           ? static_cast<float>(0x1p11 * rounding_slack(models_, static_cast<double>(largest)))
                           : INFINITY;
  std::fill_n(dominators_.begin(), classes_.size(), 0);
  for (size_t i = 0; i + 1 < classes_.size() && i < kMostDominators; ++i) {
    const auto rating = ratings_.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = ratings_.begin() + static_cast<std::ptrdiff_t>(classes_.size());
    swap(i, static_cast<size_t>(std::max_element(rating, end) - ratings_.begin()));
    set_.bank.dominate(view(), wins_ties_.data(), i, margin, dominators_.data());
    size_t left = i + 1;
    for (size_t j = i + 1; j < classes_.size(); ++j) {
      if (dominators_[j] < static_cast<int32_t>(need_)) move(j, left++);
    }
    classes_.resize(left);
  }
  return classes_.size() < need_ ? Verdict::kRight : Verdict::kUndecided;
}

void SampleClasses::move(size_t from, size_t to) {
  if (from == to) return;
  classes_[to] = classes_[from];
  wins_ties_[to] = wins_ties_[from];
  ratings_[to] = ratings_[from];
  dominators_[to] = dominators_[from];
  for (size_t k = 0; k < models_; ++k) logits_[k * stride_ + to] = logits_[k * stride_ + from];
}

void SampleClasses::swap(size_t a, size_t b) {
  if (a == b) return;
  std::swap(classes_[a], classes_[b]);
  std::swap(wins_ties_[a], wins_ties_[b]);
  std::swap(ratings_[a], ratings_[b]);
  std::swap(dominators_[a], dominators_[b]);
  for (size_t k = 0; k < models_; ++k) std::swap(logits_[k * stride_ + a], logits_[k * stride_ + b]);
}

}  // namespace radin
