// predict(backend, logits: Float32Array [M, C], classes, predicted: Uint32Array [M], sums: Float64Array [M], threads,
//         state: Int32Array)
// → Promise<0>.

#include "calls.h"
#include "job.h"

namespace radin {

namespace {

class PredictJob final : public Job {
 public:
  PredictJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend) {
    const Span<float> logits = arguments.float32(arguments[1], "Expected a Float32Array for logits");
    request_.classes = arguments.size(arguments[2], "Expected an integer for classes");
    const Span<uint32_t> predicted = arguments.uint32(arguments[3], "Expected a Uint32Array for predicted");
    const Span<double> sums = arguments.float64(arguments[4], "Expected a Float64Array for sums");
    if (request_.classes == 0) throw ArgumentError{"Expected some classes"};
    request_.samples = logits.size / request_.classes;
    if (logits.size % request_.classes != 0) throw ArgumentError{"Expected C logits for each sample"};
    if (predicted.size != request_.samples || sums.size != request_.samples) {
      throw ArgumentError{"Expected an element of predicted and of sums for each sample"};
    }
    request_.logits = logits.data;
    request_.predicted = predicted.data;
    request_.sums = sums.data;
    threads_ = arguments.size(arguments[5], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override { return backend_.predict(&request_, &run); }
  napi_value result(napi_env env) noexcept override { return number(env, 0.0); }

  const RadinBackend& backend_;
  RadinPredict request_{};
};

}  // namespace

std::unique_ptr<Job> predict_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<PredictJob>(backend, arguments);
}

}  // namespace radin
