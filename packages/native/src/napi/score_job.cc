// score(backend, logits: Float32Array[] [N] of [M, C], classes: C, labels: Int32Array [M], coefficients: Float64Array [S, N],
//       top: k or 0, totals: Float64Array [S], threads, state: Int32Array)
// → Promise<index in [N, M, C] of the first logit that is not finite, or −1>. Labels and coefficients are copied: they
// are small, and a label that changed after its check would read outside a row.

#include <vector>

#include "calls.h"
#include "job.h"

namespace radin {

namespace {

class ScoreJob final : public Job {
 public:
  ScoreJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend) {
    const size_t models = arguments.length(arguments[1], "Expected an Array for logits");
    const size_t classes = arguments.size(arguments[2], "Expected an integer for classes");
    const Span<int32_t> labels = arguments.int32(arguments[3], "Expected an Int32Array for labels");
    const Span<double> coefficients = arguments.float64(arguments[4], "Expected a Float64Array for coefficients");
    const Span<double> totals = arguments.float64(arguments[6], "Expected a Float64Array for totals");
    if (models == 0 || classes == 0) throw ArgumentError{"Expected at least one model and one class"};
    if (coefficients.size != models * totals.size) throw ArgumentError{"Expected N coefficients for each total"};
    for (size_t model = 0; model < models; ++model) {
      const napi_value value = arguments.element(arguments[1], model);
      const Span<float> logits = arguments.float32(value, "Expected a Float32Array for each of logits");
      // Divided, because M x C could overflow.
      const bool fits = labels.size == 0 ? logits.size == 0
                                         : logits.size % labels.size == 0 && logits.size / labels.size == classes;
      if (!fits) throw ArgumentError{"Expected M x C logits of each model"};
      logits_.push_back(logits.data);
    }
    labels_.assign(labels.data, labels.data + labels.size);
    for (const int32_t label : labels_) {
      if (label < 0 || static_cast<size_t>(label) >= classes) throw ArgumentError{"Expected labels below C"};
    }
    coefficients_.assign(coefficients.data, coefficients.data + coefficients.size);
    for (size_t s = 0; s < totals.size; ++s) require_ingredient(&coefficients_[s * models], models);
    request_.models = models;
    request_.samples = labels.size;
    request_.classes = classes;
    request_.mixtures = totals.size;
    request_.top = arguments.size(arguments[5], "Expected an integer for top");
    request_.totals = totals.data;
    threads_ = arguments.size(arguments[7], "Expected an integer for threads");
  }

 private:
  static void require_ingredient(const double* coefficients, size_t models) {
    for (size_t k = 0; k < models; ++k) {
      if (coefficients[k] != 0.0) return;
    }
    throw ArgumentError{"Expected a coefficient other than 0 in each mixture"};
  }

  RadinStatus run(const RadinRun& run) noexcept override {
    request_.logits = logits_.data();
    request_.labels = labels_.data();
    request_.coefficients = coefficients_.data();
    request_.first_nonfinite = &first_nonfinite_;
    return backend_.score(&request_, &run);
  }
  napi_value result(napi_env env) noexcept override {
    return number(env, first_nonfinite_ == UINT64_MAX ? -1.0 : static_cast<double>(first_nonfinite_));
  }

  const RadinBackend& backend_;
  std::vector<const float*> logits_;
  std::vector<int32_t> labels_;
  std::vector<double> coefficients_;
  RadinScore request_{};
  uint64_t first_nonfinite_ = UINT64_MAX;
};

}  // namespace

std::unique_ptr<Job> score_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<ScoreJob>(backend, arguments);
}

}  // namespace radin
