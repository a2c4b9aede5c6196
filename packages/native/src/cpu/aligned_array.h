// An array of plain elements that begins at a cache line and is not cleared.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace radin {

template <class T>
class AlignedArray {
 public:
  explicit AlignedArray(size_t size = 0)
      : size_(size), data_(static_cast<T*>(::operator new[](size * sizeof(T) + 1, kAlignment))) {}
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](size_t index) { return data_.get()[index]; }
  const T& operator[](size_t index) const { return data_.get()[index]; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(T* data) const { ::operator delete[](data, kAlignment); }
  };
  size_t size_;
  std::unique_ptr<T, Free> data_;
};

}  // namespace radin
