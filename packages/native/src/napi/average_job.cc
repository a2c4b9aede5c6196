// average(backend, weights: Float64Array [B, N], divisors: Float64Array [B], dtypes: Int32Array [T],
//         arrays: (Uint8Array | null)[] [T, N], ranges: Float64Array [T, N, 3], outputs: Uint8Array[] [T, B],
//         memoryLimit, findNaN: 0 or 1, threads, state: Int32Array)
// → Promise<null, or [tensor, model, element] of the first NaN that was found>.

#include <cmath>
#include <vector>

#include "calls.h"
#include "dtypes.h"
#include "job.h"

namespace radin {

namespace {

class AverageJob final : public Job {
 public:
  AverageJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend) {
    read_weights(arguments);
    const Span<int32_t> dtypes = arguments.int32(arguments[3], "Expected an Int32Array for dtypes");
    sources_ = arguments.sources(arguments[4], arguments[5]);
    const size_t models = request_.models;
    const size_t outputs = request_.outputs;
    if (sources_.size() % models != 0 || sources_.size() / models != dtypes.size) {
      throw ArgumentError{"Expected N arrays for each tensor"};
    }
    if (arguments.length(arguments[6], "Expected an Array for outputs") != dtypes.size * outputs) {
      throw ArgumentError{"Expected B outputs for each tensor"};
    }
    outputs_.resize(dtypes.size * outputs);
    for (size_t t = 0; t < dtypes.size; ++t) {
      const RadinDtype dtype = dtype_of(dtypes.data[t]);
      const uint64_t bytes = sources_[t * models].bytes;
      for (size_t k = 0; k < models; ++k) {
        if (sources_[t * models + k].bytes == bytes) continue;
        throw ArgumentError{"Expected arrays of one length for each tensor"};
      }
      for (size_t b = 0; b < outputs; ++b) {
        const napi_value value = arguments.element(arguments[6], t * outputs + b);
        const Span<uint8_t> array = arguments.bytes(value, "Expected a Uint8Array for each of outputs");
        if (array.size != bytes) throw ArgumentError{"Expected outputs as long as the arrays"};
        outputs_[t * outputs + b] = array.data;
      }
      if (bytes % bytes_of(dtype) != 0) throw ArgumentError{"Expected whole elements for each of arrays"};
      tensors_.push_back({dtype, static_cast<size_t>(bytes / bytes_of(dtype)), &outputs_[t * outputs]});
    }
    request_.memory_limit = arguments.size(arguments[7], "Expected an integer for memoryLimit");
    if (request_.memory_limit < radin_average_memory(models)) throw ArgumentError{"Expected a larger memoryLimit"};
    request_.find_nan = arguments.size(arguments[8], "Expected 0 or 1 for findNaN") != 0;
    threads_ = arguments.size(arguments[9], "Expected an integer for threads");
  }

 private:
  void read_weights(const Arguments& arguments) {
    const Span<double> weights = arguments.float64(arguments[1], "Expected a Float64Array for weights");
    const Span<double> divisors = arguments.float64(arguments[2], "Expected a Float64Array for divisors");
    if (divisors.size == 0 || weights.size == 0 || weights.size % divisors.size != 0) {
      throw ArgumentError{"Expected N weights for each divisor"};
    }
    weights_.assign(weights.data, weights.data + weights.size);
    divisors_.assign(divisors.data, divisors.data + divisors.size);
    request_.models = weights.size / divisors.size;
    request_.outputs = divisors.size;
    for (size_t b = 0; b < divisors.size; ++b) require_ingredient(&weights_[b * request_.models]);
  }

  void require_ingredient(const double* weights) const {
    bool found = false;
    for (size_t k = 0; k < request_.models; ++k) {
      const bool is_weight = weights[k] >= 0.0 && std::isfinite(weights[k]);
      if (!is_weight) throw ArgumentError{"Expected finite weights of at least 0"};
      found |= weights[k] > 0.0;
    }
    if (!found) throw ArgumentError{"Expected a weight above 0 for each output"};
  }

  RadinStatus run(const RadinRun& run) noexcept override {
    request_.weights = weights_.data();
    request_.divisors = divisors_.data();
    request_.tensors = tensors_.size();
    request_.tensor = tensors_.data();
    request_.sources = sources_.data();
    request_.first_nan = first_nan_;
    return backend_.average(&request_, &run);
  }

  napi_value result(napi_env env) noexcept override {
    napi_value place = nullptr;
    if (first_nan_[0] == UINT64_MAX) return napi_get_null(env, &place) == napi_ok ? place : nullptr;
    if (napi_create_array_with_length(env, 3, &place) != napi_ok) return nullptr;
    for (uint32_t i = 0; i < 3; ++i) {
      const napi_value part = number(env, static_cast<double>(first_nan_[i]));
      if (part == nullptr || napi_set_element(env, place, i, part) != napi_ok) return nullptr;
    }
    return place;
  }

  const RadinBackend& backend_;
  RadinAverage request_{};
  std::vector<double> weights_;
  std::vector<double> divisors_;
  std::vector<RadinSource> sources_;
  std::vector<uint8_t*> outputs_;
  std::vector<RadinTensor> tensors_;
  uint64_t first_nan_[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
};

}  // namespace

std::unique_ptr<Job> average_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<AverageJob>(backend, arguments);
}

}  // namespace radin
