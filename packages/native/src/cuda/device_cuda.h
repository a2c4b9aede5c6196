// A GPU: the first that the driver lists.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "../exact/shared.h"

namespace radin {

struct DeviceError {
  std::string message;
};

inline void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next launch would be blamed for it
  throw DeviceError{std::string("The CUDA device failed: ") + call + ": " + cudaGetErrorString(status)};
}

const char* device_unavailable();

inline size_t free_device_memory() {
  size_t free = 0;
  size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

// Some tens of milliseconds, for as many threads as a large GPU holds.
constexpr size_t kLaunchSteps = (size_t{1} << 32) - 1;

struct OnDevice {
  static void allocate(void** data, size_t bytes) { check(cudaMalloc(data, bytes), "cudaMalloc"); }
  static void release(void* data) { cudaFree(data); }
};

struct Pinned {
  static void allocate(void** data, size_t bytes) { check(cudaMallocHost(data, bytes), "cudaMallocHost"); }
  static void release(void* data) { cudaFreeHost(data); }
};

template <class T, class Memory>
class OwnedArray {
 public:
  explicit OwnedArray(size_t size = 0) : size_(size) {
    if (size == 0) return;
    void* data = nullptr;
    Memory::allocate(&data, size * sizeof(T));
    data_ = static_cast<T*>(data);
  }
  OwnedArray(OwnedArray&& other) noexcept { swap(other); }
  OwnedArray& operator=(OwnedArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~OwnedArray() {
    if (data_ != nullptr) Memory::release(data_);
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t index) { return data_[index]; }
  size_t size() const { return size_; }

 private:
  void swap(OwnedArray& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  T* data_ = nullptr;
  size_t size_ = 0;
};

template <class T>
using DeviceArray = OwnedArray<T, OnDevice>;
template <class T>
using PinnedArray = OwnedArray<T, Pinned>;

template <class Kernel>
__global__ void run_kernel(const Kernel kernel, size_t count) {
  const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x;
  for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) kernel(i);
}

class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }

  template <class T>
  void to_device(T* to, const T* from, size_t count) {
    copy(to, from, count * sizeof(T), cudaMemcpyHostToDevice);
  }
  template <class T>
  void to_host(T* to, const T* from, size_t count) {
    copy(to, from, count * sizeof(T), cudaMemcpyDeviceToHost);
  }
  template <class T>
  void clear(T* at, size_t count) {
    if (count > 0) check(cudaMemsetAsync(at, 0, count * sizeof(T), stream_), "cudaMemsetAsync");
  }
  template <class Kernel>
  void launch(const Kernel& kernel, size_t count) {
    if (count == 0) return;
    // More blocks than any GPU holds at once go on in strides.
    const size_t blocks = std::min((count + kThreads - 1) / kThreads, kMostBlocks);
    run_kernel<<<static_cast<unsigned>(blocks), kThreads, 0, stream_>>>(kernel, count);
    check(cudaGetLastError(), "the launch of a kernel");
  }
  void wait() { check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

 private:
  static constexpr unsigned kThreads = 256;
  static constexpr size_t kMostBlocks = 65536;

  void copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, kind, stream_), "cudaMemcpyAsync");
  }

  cudaStream_t stream_ = nullptr;
};

// Kernels exist for the host too, where nothing calls them.
RADIN_SHARED uint32_t atomic_add(uint32_t* at, uint32_t value) {
#ifdef __CUDA_ARCH__
  return atomicAdd(at, value);
#else
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
#endif
}

RADIN_SHARED uint32_t bits_in(uint32_t word) {
#ifdef __CUDA_ARCH__
  return static_cast<uint32_t>(__popc(word));
#else
  return static_cast<uint32_t>(__builtin_popcount(word));
#endif
}

}  // namespace radin
