// Whether there is a device.

#include "device.h"

namespace radin {

#ifdef __CUDACC__

namespace {

// The oldest architecture that CMakeLists.txt compiles for.
constexpr int kOldestMajor = 8;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// "" where there is one.
std::string reason() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) return "no CUDA driver is installed";
    return "the driver knows CUDA " + version_text(driver) + ", older than the " + version_text(CUDART_VERSION) +
           " of this build";
  }
  if (status != cudaSuccess) return std::string("cudaGetDeviceCount: ") + cudaGetErrorString(status);
  if (devices == 0) return "the CUDA driver lists no device";
  int major = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
  if (major < kOldestMajor) {
    return "the GPU has compute capability " + std::to_string(major) + ", less than " + std::to_string(kOldestMajor);
  }
  return "";
}

}  // namespace

const char* device_unavailable() {
  static const std::string found = reason();
  return found.empty() ? nullptr : found.c_str();
}

#else

const char* device_unavailable() { return nullptr; }

#endif

}  // namespace radin
