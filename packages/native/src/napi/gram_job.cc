// gram(backend, models, dtypes: Int32Array [T], groups: Int32Array [T], arrays: (Uint8Array | null)[] [T, N or N + 1],
//      ranges: Float64Array [T, N or N + 1, 3], products: Float64Array [G, N, N], notFinite: Float64Array [N or N + 1],
//      memoryLimit, threads, state: Int32Array)
// → Promise<0>. Room for N + 1 numbers that are not finite says that each tensor has a reference after its models.

#include <vector>

#include "calls.h"
#include "dtypes.h"
#include "job.h"

namespace radin {

namespace {

// Beyond this the sizes of matrices would overflow.
constexpr size_t kMostModels = 1 << 20;

class GramJob final : public Job {
 public:
  GramJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend) {
    const size_t models = arguments.size(arguments[1], "Expected an integer for models");
    if (models == 0 || models > kMostModels) throw ArgumentError{"Expected some models"};
    const Span<int32_t> dtypes = arguments.int32(arguments[2], "Expected an Int32Array for dtypes");
    const Span<int32_t> groups = arguments.int32(arguments[3], "Expected an Int32Array for groups");
    sources_ = arguments.sources(arguments[4], arguments[5]);
    const Span<double> products = arguments.float64(arguments[6], "Expected a Float64Array for products");
    const Span<double> not_finite = arguments.float64(arguments[7], "Expected a Float64Array for notFinite");
    if (products.size == 0 || products.size % (models * models) != 0) throw ArgumentError{"Expected N x N products"};
    const size_t streams = not_finite.size;
    if (streams != models && streams != models + 1) throw ArgumentError{"Expected a number for each model"};
    if (groups.size != dtypes.size || sources_.size() % streams != 0 || sources_.size() / streams != dtypes.size) {
      throw ArgumentError{"Expected a group and N arrays for each tensor"};
    }
    const size_t group_count = products.size / (models * models);
    for (size_t t = 0; t < dtypes.size; ++t) {
      const RadinDtype dtype = dtype_of(dtypes.data[t]);
      if (groups.data[t] < 0 || static_cast<size_t>(groups.data[t]) >= group_count) {
        throw ArgumentError{"Expected a matrix for each of groups"};
      }
      const uint64_t bytes = sources_[t * streams].bytes;
      for (size_t s = 0; s < streams; ++s) {
        if (sources_[t * streams + s].bytes != bytes) throw ArgumentError{"Expected arrays of one length for each tensor"};
      }
      if (bytes % bytes_of(dtype) != 0) throw ArgumentError{"Expected whole elements for each of arrays"};
      dtypes_.push_back(dtype);
      elements_.push_back(static_cast<size_t>(bytes / bytes_of(dtype)));
      groups_.push_back(static_cast<size_t>(groups.data[t]));
    }
    request_.models = models;
    request_.reference = streams == models + 1;
    request_.groups = group_count;
    request_.products = products.data;
    request_.not_finite = not_finite.data;
    request_.memory_limit = arguments.size(arguments[8], "Expected an integer for memoryLimit");
    if (request_.memory_limit < radin_gram_memory(models)) throw ArgumentError{"Expected a larger memoryLimit"};
    threads_ = arguments.size(arguments[9], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    request_.tensors = dtypes_.size();
    request_.dtypes = dtypes_.data();
    request_.elements = elements_.data();
    request_.group = groups_.data();
    request_.sources = sources_.data();
    return backend_.gram(&request_, &run);
  }
  napi_value result(napi_env env) noexcept override { return number(env, 0.0); }

  const RadinBackend& backend_;
  RadinGram request_{};
  std::vector<RadinDtype> dtypes_;
  std::vector<size_t> elements_;
  std::vector<size_t> groups_;
  std::vector<RadinSource> sources_;
};

}  // namespace

std::unique_ptr<Job> gram_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<GramJob>(backend, arguments);
}

}  // namespace radin
