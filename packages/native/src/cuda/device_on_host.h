// A device made of host memory, for tests. What a stream is told is done when it is waited for and not before, so that
// code which forgets to wait, or touches memory that a copy still needs, gets wrong answers here too. Its memory ends
// at RADIN_ON_HOST_BYTES, an environment variable, or 1 GiB.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "../exact/shared.h"

namespace radin {

struct DeviceError {
  std::string message;
};

const char* device_unavailable();

struct OnHost {
  static inline std::atomic<size_t> used{0};
  static size_t total() {
    const char* const bytes = std::getenv("RADIN_ON_HOST_BYTES");
    return bytes == nullptr ? size_t{1} << 30 : std::strtoull(bytes, nullptr, 10);
  }
};

inline size_t free_device_memory() {
  const size_t total = OnHost::total();
  const size_t used = OnHost::used;
  return used < total ? total - used : 0;
}

// Some tenths of a second.
constexpr size_t kLaunchSteps = size_t{1} << 27;

template <class T, bool kOnDevice>
class OwnedArray {
 public:
  explicit OwnedArray(size_t size = 0) : memory_(size), bytes_(kOnDevice ? size * sizeof(T) : 0) {
    if (bytes_ > 0 && (OnHost::used += bytes_) > OnHost::total()) {
      OnHost::used -= bytes_;
      throw DeviceError{"The device on the host failed: allocation: out of memory"};
    }
  }
  OwnedArray(OwnedArray&& other) noexcept { swap(other); }
  OwnedArray& operator=(OwnedArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~OwnedArray() { OnHost::used -= bytes_; }
  T* data() { return memory_.data(); }
  const T* data() const { return memory_.data(); }
  T& operator[](size_t index) { return memory_[index]; }
  size_t size() const { return memory_.size(); }

 private:
  void swap(OwnedArray& other) {
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
  }
  std::vector<T> memory_;
  size_t bytes_ = 0;  // of the device's
};

template <class T>
using DeviceArray = OwnedArray<T, true>;
template <class T>
using PinnedArray = OwnedArray<T, false>;

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  template <class T>
  void to_device(T* to, const T* from, size_t count) {
    copy(to, from, count * sizeof(T));
  }
  template <class T>
  void to_host(T* to, const T* from, size_t count) {
    copy(to, from, count * sizeof(T));
  }
  template <class T>
  void clear(T* at, size_t count) {
    if (count > 0) todo_.push_back([=] { std::memset(at, 0, count * sizeof(T)); });
  }
  template <class Kernel>
  void launch(const Kernel& kernel, size_t count) {
    todo_.push_back([=] {
      for (size_t i = 0; i < count; ++i) kernel(i);
    });
  }
  void wait() {
    for (const auto& step : todo_) step();
    todo_.clear();
  }

 private:
  void copy(void* to, const void* from, size_t bytes) {
    if (bytes > 0) todo_.push_back([=] { std::memcpy(to, from, bytes); });
  }

  std::vector<std::function<void()>> todo_;
};

RADIN_SHARED uint32_t atomic_add(uint32_t* at, uint32_t value) {
  const uint32_t before = *at;
  *at += value;
  return before;
}

RADIN_SHARED uint32_t bits_in(uint32_t word) { return static_cast<uint32_t>(__builtin_popcount(word)); }

}  // namespace radin
