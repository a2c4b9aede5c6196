// Sums of blocks added up in the order of the blocks, whichever thread finishes first, so that a total has the same bits
// for any number of threads while no more than one block's sums per thread are in memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace radin {

class OrderedSum {
 public:
  // Each block adds `count` sums.
  OrderedSum(double* totals, size_t count) : totals_(totals), count_(count) {}

  // Waits until all blocks before this one have been added, then adds to the totals from `first` on. Every block that is handed out must be added, also when the
  // call has been stopped: others wait for it.
  void add(size_t block, const double* sums, size_t first = 0) {
    std::unique_lock<std::mutex> lock(mutex_);
    turn_.wait(lock, [&] { return next_ == block; });
    for (size_t i = 0; i < count_; ++i) totals_[first + i] += sums[i];
    ++next_;
    turn_.notify_all();
  }

 private:
  double* totals_;
  size_t count_;
  size_t next_ = 0;
  std::mutex mutex_;
  std::condition_variable turn_;
};

}  // namespace radin
