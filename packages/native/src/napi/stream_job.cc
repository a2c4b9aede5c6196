// stream(backend, read: Uint8Array[], write: Uint8Array[], threads, state: Int32Array)
// → Promise<sum of the 32-bit words read, modulo 2^32>.

#include <vector>

#include "calls.h"
#include "job.h"

namespace radin {

namespace {

class StreamJob final : public Job {
 public:
  StreamJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend) {
    read_ = arrays(arguments, arguments[1], "Expected an Array for read");
    write_ = arrays(arguments, arguments[2], "Expected an Array for write");
    threads_ = arguments.size(arguments[3], "Expected an integer for threads");
  }

 private:
  struct Arrays {
    std::vector<uint8_t*> data;
    std::vector<size_t> bytes;
  };

  static Arrays arrays(const Arguments& arguments, napi_value list, const char* message) {
    Arrays arrays;
    const size_t count = arguments.length(list, message);
    for (size_t i = 0; i < count; ++i) {
      const Span<uint8_t> array =
          arguments.bytes(arguments.element(list, i), "Expected a Uint8Array for each of read and write");
      arrays.data.push_back(array.data);
      arrays.bytes.push_back(array.size);
    }
    return arrays;
  }

  RadinStatus run(const RadinRun& run) noexcept override {
    const RadinStream request = {read_.data.size(),   write_.data.size(),  read_.data.data(), read_.bytes.data(),
                                 write_.data.data(), write_.bytes.data(), &sum_};
    return backend_.stream(&request, &run);
  }
  napi_value result(napi_env env) noexcept override { return number(env, sum_); }

  const RadinBackend& backend_;
  Arrays read_;
  Arrays write_;
  uint32_t sum_ = 0;
};

}  // namespace

std::unique_ptr<Job> stream_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<StreamJob>(backend, arguments);
}

}  // namespace radin
