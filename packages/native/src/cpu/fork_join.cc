#include "fork_join.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>
#include <thread>
#include <vector>

namespace radin {

namespace {

// More threads than this help no machine and would let a mistaken argument exhaust the process.
constexpr size_t kMaxThreads = 256;

}  // namespace

bool is_cancelled(const RadinRun& run) { return __atomic_load_n(run.state, __ATOMIC_RELAXED) == RADIN_CANCELLED; }

uint32_t worker_count(size_t threads, size_t blocks) {
  const size_t wanted = std::min({threads, blocks, kMaxThreads});
  return static_cast<uint32_t>(std::max<size_t>(wanted, 1));
}

RadinStatus for_each_block(const RadinRun& run, size_t blocks, const std::function<void(uint32_t, size_t)>& body,
                           Share share) {
  std::atomic<size_t> next{0};
  std::atomic<bool> out_of_memory{false};
  const double step = (share.end - share.begin) / static_cast<double>(std::max<size_t>(blocks, 1));
  const auto work = [&](uint32_t worker) {
    while (!is_cancelled(run)) {
      const size_t block = next.fetch_add(1, std::memory_order_relaxed);
      if (block >= blocks) return;
      if (worker == 0) {
        const double done = share.begin + step * static_cast<double>(block);
        __atomic_store_n(run.progress, static_cast<int32_t>(1e6 * done), __ATOMIC_RELAXED);
      }
      try {
        body(worker, block);
      } catch (const std::bad_alloc&) {
        out_of_memory = true;
        next = blocks;
      }
    }
  };

  const uint32_t workers = worker_count(run, blocks);
  std::vector<std::thread> threads;
  threads.reserve(workers - 1);
  for (uint32_t worker = 1; worker < workers; ++worker) {
    try {
      threads.emplace_back(work, worker);
    } catch (const std::exception&) {
      break;  // the system gives no more threads or memory: those that there are take all blocks
    }
  }
  work(0);
  for (std::thread& thread : threads) thread.join();
  if (out_of_memory) throw std::bad_alloc();
  return is_cancelled(run) ? RADIN_STOPPED : RADIN_DONE;
}

}  // namespace radin
