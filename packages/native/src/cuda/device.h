// The device as the CUDA backend sees it: memory, copies and launches in the order of a stream.
//
// A kernel is a struct of its arguments with a member `void operator()(size_t index) const` for one of `count`
// independent indices. It is plain C++, so everything above this header compiles against either of two devices of the
// same interface: device_cuda.h, a GPU, and device_on_host.h, host memory, on which the same bodies run one after the
// other. The latter lets the backend's logic be tested on any machine.
//
//   struct DeviceError { std::string message; }        // thrown by all below; one line that names the failed call
//   const char* device_unavailable();                   // null, or why there is no device
//   size_t free_device_memory();
//   constexpr size_t kLaunchSteps;      // that a launch may take, as nothing stops it; below 2^32
//   class DeviceArray<T> { DeviceArray(size_t size); data(); size(); }   // not initialised
//   class PinnedArray<T> { the same }                                    // host memory that copies can run beside
//   class Stream {
//     void to_device(T* to, const T* from, size_t count); // asynchronous, as all: keep `from` until wait()
//     void to_host(T* to, const T* from, size_t count);
//     void clear(T* at, size_t count);
//     void launch(const Kernel& kernel, size_t count);
//     void wait();                                        // until all of the above is done
//   }
//   T atomic_add(T* at, T value), uint32_t bits_in(uint32_t word);         // in kernels
//
// Memory is given back when its owner goes. A stream that goes waits first, so owners of memory declare their stream
// last.
#pragma once

#ifdef __CUDACC__
#include "device_cuda.h"
#else
#include "device_on_host.h"
#endif

namespace radin {

// A copy on the device, complete when this returns.
template <class T>
void upload(Stream& stream, const T* from, size_t count, DeviceArray<T>* to) {
  if (to->size() < count) *to = DeviceArray<T>(count);
  stream.to_device(to->data(), from, count);
  stream.wait();
}

}  // namespace radin
