// Reading the bytes of a source, memory or file alike.
//
// Files are read with pread and not mapped: a mapped file that another process truncates ends this process with SIGBUS. In
// pieces of some 1 MiB a read from the page cache costs a few per cent more than a mapping would (13 files on two threads,
// against one read of the same bytes from memory: pread 1.20, mapped in 8 MB windows 1.13, mapped whole 1.43).
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "../kernels.h"

namespace radin {

// Bytes to read of a file at a time.
constexpr size_t kReadBytes = size_t{1} << 20;

// The sources of one call, and the first failure to read one, which threads report concurrently.
class Sources {
 public:
  // Notes each file's size and time of change.
  Sources(const RadinSource* sources, size_t count);

  // `bytes` bytes from `position` on of source `index`: a pointer into its memory, or `buffer`, filled from its file.
  // Null where they cannot be read; the failure with the lowest source is kept.
  const uint8_t* read(size_t index, uint64_t position, size_t bytes, uint8_t* buffer);

  // Whether `read` copies this source into the buffer it is given.
  bool is_file(size_t index) const { return sources_[index].memory == nullptr; }

  // Whether a read has failed, so that there is no use in going on.
  bool has_failed() const { return __atomic_load_n(&failed_, __ATOMIC_RELAXED); }

  // After all reads: whether all went well and no file has changed since the constructor saw it; else says which.
  bool finish(RadinSourceFailure* failure);

 private:
  struct Stamp {
    int64_t size, seconds, nanoseconds;
  };
  bool stamp(size_t index, Stamp* stamp) const;
  void fail(size_t index, uint64_t position, int32_t error);

  const RadinSource* sources_;
  size_t count_;
  std::vector<Stamp> stamps_;  // of files; empty entries for memory
  bool failed_ = false;
  RadinSourceFailure failure_{UINT64_MAX, 0, 0};
  std::mutex mutex_;
};

}  // namespace radin
