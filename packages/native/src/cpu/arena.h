// Memory that is handed out piece by piece, never initialised, and freed all at once. A bank is written once at memory
// speed, where page faults are felt (a tenth of the time), so chunks are made of huge pages, asked for together.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace radin {

class Arena {
 public:
  // Room for `count` floats, aligned to a cache line. May throw std::bad_alloc.
  float* allocate(size_t count) {
    const size_t bytes = (count * sizeof(float) + kLine - 1) / kLine * kLine;
    if (bytes > free_) {
      chunk_ = chunk_ < kMostChunk ? 2 * chunk_ : kMostChunk;
      const size_t size = bytes > chunk_ ? (bytes + kPage - 1) / kPage * kPage : chunk_;
      chunks_.emplace_back(static_cast<char*>(::operator new[](size, std::align_val_t{kPage})));
      next_ = chunks_.back().get();
      free_ = size;
#ifdef MADV_HUGEPAGE
      (void)madvise(next_, size, MADV_HUGEPAGE);
#endif
#ifdef MADV_POPULATE_WRITE
      (void)madvise(next_, size, MADV_POPULATE_WRITE);  // where it is unknown, page faults do the same more slowly
#endif
    }
    float* const result = reinterpret_cast<float*>(next_);
    next_ += bytes;
    free_ -= bytes;
    return result;
  }

 private:
  static constexpr size_t kLine = 64;
  static constexpr size_t kPage = size_t{2} << 20;
  static constexpr size_t kMostChunk = size_t{8} << 20;
  struct Free {
    void operator()(char* chunk) const { ::operator delete[](chunk, std::align_val_t{kPage}); }
  };
  std::vector<std::unique_ptr<char, Free>> chunks_;
  size_t chunk_ = size_t{1} << 20;
  char* next_ = nullptr;
  size_t free_ = 0;
};

}  // namespace radin
