// A call's pieces of work between host and device.
//
// Each worker thread has two slots with a stream each: while the device copies and computes the piece of one, the
// thread reads the next piece into the other, or finishes the one before.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../cpu/fork_join.h"
#include "device.h"

namespace radin {

// Threads that feed a device: each needs pinned memory, which is dear to make, and a few of them fill a bus.
constexpr size_t kFeedingThreads = 4;

// The first error of the threads of one call, which goes on in the thread that called.
class FirstDeviceError {
 public:
  template <class Body>
  void guard(const Body& body) {
    if (failed_) return;
    try {
      body();
    } catch (const DeviceError& error) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!failed_) message_ = error.message;
      failed_ = true;
    }
  }

  // @throws DeviceError if there was one
  void rethrow() const {
    if (failed_) throw DeviceError{message_};
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> failed_{false};
  std::string message_;
};

// Two slots for each of some workers; `make()` makes one.
template <class Slot, class Make>
std::vector<std::unique_ptr<Slot>> slots_of(size_t workers, const Make& make) {
  std::vector<std::unique_ptr<Slot>> slots;
  for (size_t i = 0; i < 2 * workers; ++i) slots.push_back(make());
  return slots;
}

// Calls `start(piece)` of some slot for each piece, and `finish()` of that slot before its next piece and at the end.
// @throws DeviceError, std::bad_alloc
template <class Slot>
RadinStatus for_each_piece(const RadinRun& run, size_t pieces, const std::vector<std::unique_ptr<Slot>>& slots) {
  RadinRun threads = run;
  threads.threads = slots.size() / 2;
  std::vector<size_t> turn(threads.threads, 0);
  FirstDeviceError error;
  RadinStatus status = for_each_block(threads, pieces, [&](uint32_t worker, size_t piece) {
    error.guard([&] {
      Slot& slot = *slots[2 * worker + turn[worker]];
      turn[worker] ^= 1;
      slot.finish();
      slot.start(piece);
    });
  });
  if (status == RADIN_DONE) {
    const Share at_the_end = {1.0, 1.0};
    status = for_each_block(
        threads, threads.threads,
        [&](uint32_t, size_t worker) {
          error.guard([&] {
            slots[2 * worker + turn[worker]]->finish();  // the older of the two
            slots[2 * worker + (turn[worker] ^ 1)]->finish();
          });
        },
        at_the_end);
  }
  error.rethrow();
  return status;
}

}  // namespace radin
