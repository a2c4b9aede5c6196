// average(backend, weights: Float64Array [K], divisor, dtypes: Int32Array [T], arrays: Uint8Array[] [T, K + 1], threads,
//         state: Int32Array)
// → Promise<0>. A row of `arrays` is a tensor's K ingredients and then its output.

#include <vector>

#include "calls.h"
#include "dtypes.h"
#include "job.h"

namespace radin {

namespace {

class AverageJob final : public Job {
 public:
  AverageJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend) {
    const Span<double> weights = arguments.float64(arguments[1], "Expected a Float64Array for weights");
    const Span<int32_t> dtypes = arguments.int32(arguments[3], "Expected an Int32Array for dtypes");
    const size_t ingredients = weights.size;
    const size_t row = ingredients + 1;
    if (ingredients == 0 || arguments.length(arguments[4], "Expected an Array for arrays") != dtypes.size * row) {
      throw ArgumentError{"Expected K ingredients and an output for each tensor"};
    }
    divisor_ = arguments.number(arguments[2], "Expected a number for divisor");
    weights_.assign(weights.data, weights.data + ingredients);
    pointers_.resize(dtypes.size * row);
    for (size_t t = 0; t < dtypes.size; ++t) {
      const RadinDtype dtype = dtype_of(dtypes.data[t]);
      size_t bytes = 0;
      for (size_t i = 0; i < row; ++i) {
        const napi_value value = arguments.element(arguments[4], t * row + i);
        const Span<uint8_t> array = arguments.bytes(value, "Expected a Uint8Array for each of arrays");
        if (i == 0) bytes = array.size;
        if (array.size != bytes) throw ArgumentError{"Expected arrays of one length for each tensor"};
        pointers_[t * row + i] = array.data;
      }
      if (bytes % bytes_of(dtype) != 0) throw ArgumentError{"Expected whole elements for each of arrays"};
      tensors_.push_back({dtype, bytes / bytes_of(dtype), &pointers_[t * row], pointers_[t * row + ingredients]});
    }
    threads_ = arguments.size(arguments[5], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    const RadinAverage request = {weights_.size(), weights_.data(), divisor_, tensors_.size(), tensors_.data()};
    return backend_.average(&request, &run);
  }
  napi_value result(napi_env env) noexcept override { return number(env, 0); }

  const RadinBackend& backend_;
  std::vector<double> weights_;
  double divisor_;
  std::vector<uint8_t*> pointers_;
  std::vector<RadinTensor> tensors_;
};

}  // namespace

std::unique_ptr<Job> average_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<AverageJob>(backend, arguments);
}

}  // namespace radin
