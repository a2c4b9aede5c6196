// Memory that is handed out piece by piece, never initialised, and freed all at once. Its chunks are aligned to the large
// pages of the usual systems, which are asked for: a bank is written once at memory speed, and page faults would be felt.
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
      const size_t size = bytes > kChunk ? (bytes + kPage - 1) / kPage * kPage : kChunk;
      chunks_.emplace_back(static_cast<char*>(::operator new[](size, std::align_val_t{kPage})));
      next_ = chunks_.back().get();
      free_ = size;
#ifdef MADV_HUGEPAGE
      (void)madvise(next_, size, MADV_HUGEPAGE);  // where it is refused, small pages do
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
  static constexpr size_t kChunk = size_t{16} << 20;
  struct Free {
    void operator()(char* chunk) const { ::operator delete[](chunk, std::align_val_t{kPage}); }
  };
  std::vector<std::unique_ptr<char, Free>> chunks_;
  char* next_ = nullptr;
  size_t free_ = 0;
};

}  // namespace radin
