// crossEntropy(backend, …LogitsArguments, coefficients: Float64Array [S, N], measure, results: Float64Array [S] or [S + S N],
//              threads, state: Int32Array)
// → Promise<index in [N, M, C] of the first logit that is not finite, or −1>. The results are the totals and then, where
// there is room for them, the gradients, of losses only. The measure is a RadinSampleMeasure. Coefficients are copied.

#include <vector>

#include "calls.h"
#include "job.h"
#include "logits_arguments.h"

namespace radin {

namespace {

// Sums of coefficients: temperatures are at least 1e-6.
constexpr double kMostScale = 2e6;

class CrossEntropyJob final : public Job {
 public:
  CrossEntropyJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend), logits_(arguments, 1) {
    const Span<double> coefficients = arguments.float64(arguments[6], "Expected a Float64Array for coefficients");
    const Span<double> results = arguments.float64(arguments[8], "Expected a Float64Array for results");
    const size_t measure = arguments.size(arguments[7], "Expected an integer for measure");
    if (measure > RADIN_SQUARED_ERROR) throw ArgumentError{"Expected 0, 1 or 2 for measure"};
    const size_t models = logits_.models();
    request_.mixtures = coefficients.size / models;
    if (coefficients.size % models != 0) throw ArgumentError{"Expected N coefficients for each mixture"};
    const bool with_gradients = results.size == request_.mixtures + coefficients.size;
    if (results.size != request_.mixtures && !with_gradients) throw ArgumentError{"Expected a result for each mixture"};
    // A request without mixtures has room for both.
    if (with_gradients && results.size > 0 && measure != RADIN_LOSS) throw ArgumentError{"Expected losses for gradients"};
    coefficients_.assign(coefficients.data, coefficients.data + coefficients.size);
    for (size_t s = 0; s < request_.mixtures; ++s) require_mixture(&coefficients_[s * models], models, kMostScale);
    request_.coefficients = coefficients_.data();
    request_.measure = static_cast<RadinSampleMeasure>(measure);
    request_.totals = results.data;
    request_.gradients = with_gradients ? results.data + request_.mixtures : nullptr;
    threads_ = arguments.size(arguments[9], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    request_.logits = logits_.logits();
    request_.first_nonfinite = &first_nonfinite_;
    return backend_.cross_entropy(&request_, &run);
  }
  napi_value result(napi_env env) noexcept override {
    return number(env, first_nonfinite_ == UINT64_MAX ? -1.0 : static_cast<double>(first_nonfinite_));
  }

  const RadinBackend& backend_;
  LogitsArguments logits_;
  std::vector<double> coefficients_;
  RadinCrossEntropy request_{};
  uint64_t first_nonfinite_ = UINT64_MAX;
};

}  // namespace

std::unique_ptr<Job> cross_entropy_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<CrossEntropyJob>(backend, arguments);
}

}  // namespace radin
