// Which of a sample's classes stage 1 has to look at: the elimination of classes that no mixture can prefer to the label,
// of samples that every mixture gets wrong, and of classes that others make redundant.
#pragma once

#include <algorithm>
#include <vector>

#include "rules.h"

namespace radin {

// A sample's classes that some model ranks at least as high as the label, within the slack.
struct SampleClasses {
  size_t models;
  size_t label;
  const float* label_logits;            // [N]
  const std::vector<uint32_t>& classes;  // ascending, without the label
  const std::vector<float>& logits;      // [classes, N]
  double slack;                          // rounding_slack of the sample
};

// Work space that outlives a sample, so that nothing is allocated per sample.
struct ClassifyBuffers {
  std::vector<uint32_t> kept;  // out: positions in `classes`
  std::vector<uint32_t> candidates;
  std::vector<double> sums;
};

enum class Verdict { kRight, kWrong, kUndecided };

// Decides the sample for top-k or names the classes that decide it: the sample is wrong for a mixture if at least `need`
// of `kept` are preferred.
inline Verdict classify(const SampleClasses& sample, size_t top, ClassifyBuffers& buffers, size_t* need) {
  const size_t models = sample.models;
  const auto logits_of = [&](uint32_t position) { return sample.logits.data() + position * models; };
  const auto wins_ties = [&](uint32_t position) { return sample.classes[position] < sample.label; };

  // z is monotone in every logit, rounding included. So a class that is nowhere above the label is not preferred, unless
  // rounding makes it equal and it wins ties; one that is nowhere below it and wins ties is always preferred; one that has
  // to be strictly above must be so by more than rounding can take away (the largest a_k is 1, so z_c - z_y is at least the
  // smallest difference).
  size_t always = 0;
  buffers.candidates.clear();
  buffers.sums.resize(sample.classes.size());
  for (uint32_t position = 0; position < sample.classes.size(); ++position) {
    const float* other = logits_of(position);
    bool can_be = false;
    bool must_be = true;
    double sum = 0.0;
    for (size_t k = 0; k < models; ++k) {
      const double difference = static_cast<double>(other[k]) - static_cast<double>(sample.label_logits[k]);
      can_be |= wins_ties(position) ? difference >= -sample.slack : difference > 0.0;
      must_be &= wins_ties(position) ? difference >= 0.0 : difference > sample.slack;
      sum += static_cast<double>(other[k]);
    }
    buffers.sums[position] = sum;
    if (must_be) ++always;
    else if (can_be) buffers.candidates.push_back(position);
  }
  if (always >= top) return Verdict::kWrong;
  *need = top - always;

  // A class that at least `need` others dominate (are nowhere below it, and win ties against the label if it does) is
  // redundant: where it is preferred, so are they. Larger sums first: what dominates a class comes before it.
  std::sort(buffers.candidates.begin(), buffers.candidates.end(), [&](uint32_t a, uint32_t b) {
    return buffers.sums[a] != buffers.sums[b] ? buffers.sums[a] > buffers.sums[b] : a < b;
  });
  buffers.kept.clear();
  for (const uint32_t position : buffers.candidates) {
    const float* other = logits_of(position);
    size_t dominators = 0;
    for (const uint32_t front : buffers.kept) {
      if (wins_ties(position) && !wins_ties(front)) continue;
      const float* higher = logits_of(front);
      size_t k = 0;
      while (k < models && higher[k] >= other[k]) ++k;
      if (k == models && ++dominators == *need) break;
    }
    if (dominators < *need) buffers.kept.push_back(position);
  }
  return buffers.kept.size() < *need ? Verdict::kRight : Verdict::kUndecided;
}

}  // namespace radin
