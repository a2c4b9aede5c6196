// The best subsets seen so far and what was seen of each size. One per thread; merging them does not depend on who saw
// what, because the order is total.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../kernels.h"

namespace radin {

class BestSubsets {
 public:
  BestSubsets(size_t models, uint64_t samples, size_t keep, double lambda)
      : samples_(samples),
        keep_(keep),
        lambda_(lambda),
        lowest_(models + 1, UINT64_MAX),
        highest_(models + 1, 0),
        total_(models + 1, 0),
        enough_(models + 1, 0) {}

  // `size` is the number of models in the subset.
  void add(uint32_t subset, size_t size, uint64_t correct) {
    lowest_[size] = std::min(lowest_[size], correct);
    highest_[size] = std::max(highest_[size], correct);
    total_[size] += correct;
    if (correct >= enough_[size]) offer(subset, size, correct);
  }

  void merge(const BestSubsets& other) {
    for (const Entry& entry : other.heap_) offer(entry.subset, entry.size, entry.correct);
    for (size_t size = 0; size < total_.size(); ++size) {
      lowest_[size] = std::min(lowest_[size], other.lowest_[size]);
      highest_[size] = std::max(highest_[size], other.highest_[size]);
      total_[size] += other.total_[size];
    }
  }

  void write(RadinAllSubsets* result) {
    std::sort(heap_.begin(), heap_.end(), comes_first);
    result->kept = heap_.size();
    for (size_t i = 0; i < heap_.size(); ++i) result->best[i] = {heap_[i].subset, heap_[i].correct};
    std::copy(lowest_.begin(), lowest_.end(), result->lowest);
    std::copy(highest_.begin(), highest_.end(), result->highest);
    std::copy(total_.begin(), total_.end(), result->total);
  }

 private:
  struct Entry {
    double score;  // with the prior (RADIN, Eq. 4)
    uint32_t subset;
    uint32_t size;
    uint64_t correct;
  };

  // The order of core's rankCandidates: score with prior, then the larger subset, then the one with the lower model index
  // where two of a size first differ.
  static bool comes_first(const Entry& a, const Entry& b) {
    if (a.score != b.score) return a.score > b.score;
    if (a.size != b.size) return a.size > b.size;
    const uint32_t difference = a.subset ^ b.subset;
    return (a.subset & difference & (~difference + 1)) != 0;
  }

  double score_of(size_t size, uint64_t correct) const {
    return static_cast<double>(correct) / static_cast<double>(samples_) + lambda_ * static_cast<double>(size);
  }

  // heap_ is a heap whose front is the entry that goes first.
  void offer(uint32_t subset, size_t size, uint64_t correct) {
    const Entry entry = {score_of(size, correct), subset, static_cast<uint32_t>(size), correct};
    if (heap_.size() == keep_) {
      if (keep_ == 0 || entry.score < heap_.front().score) {
        // The bar only rises, and the score grows with `correct`: as few of that size need not be offered again.
        enough_[size] = correct + 1;
        return;
      }
      if (!comes_first(entry, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), comes_first);
      heap_.pop_back();
    }
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), comes_first);
  }

  const uint64_t samples_;
  const size_t keep_;
  const double lambda_;
  std::vector<Entry> heap_;
  std::vector<uint64_t> lowest_, highest_, total_;  // [N + 1]
  std::vector<uint64_t> enough_;  // [N + 1]: fewer correct samples are known to be too few
};

}  // namespace radin
