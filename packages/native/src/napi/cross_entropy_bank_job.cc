// openCrossEntropyBank(backend, …LogitsArguments, ratio, figures: Float64Array [3], threads, state: Int32Array)
// → Promise<bank, or index in [N, M, C] of the first logit that is not finite>. The figures are rows, bytes and far samples.
//
// crossEntropyBounds(backend, bank, coefficients: Float64Array [S, N], lower: Float64Array [S], upper: Float64Array [S], threads,
//                    state: Int32Array) → Promise<0>
//
// closeCrossEntropyBank(bank) frees the bank's memory as soon as no call uses it; garbage collection does so too.

#include <memory>
#include <new>
#include <vector>

#include "calls.h"
#include "job.h"
#include "logits_arguments.h"

namespace radin {

namespace {

// What a bank's external value points to.
struct BankHandle {
  const RadinBackend* backend;
  size_t models;
  int64_t bytes;
  std::shared_ptr<RadinEntropyBank> bank;  // null once closed
};

constexpr napi_type_tag kBankTag = {0x7d1c5a0be3f94c21, 0x9b3e6a71d20f48a5};

void close(napi_env env, BankHandle& handle) {
  if (handle.bank == nullptr) return;
  handle.bank.reset();
  int64_t total = 0;
  napi_adjust_external_memory(env, -handle.bytes, &total);
}

void finalize(napi_env env, void* data, void*) {
  const std::unique_ptr<BankHandle> handle(static_cast<BankHandle*>(data));
  close(env, *handle);
}

// @throws ArgumentError unless it is a bank.
BankHandle& bank_handle(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  bool is_bank = false;
  void* data = nullptr;
  check(napi_typeof(env, value, &type));
  if (type == napi_external) check(napi_check_object_type_tag(env, value, &kBankTag, &is_bank));
  if (!is_bank) throw ArgumentError{"Expected a bank"};
  check(napi_get_value_external(env, value, &data));
  return *static_cast<BankHandle*>(data);
}

class OpenBankJob final : public Job {
 public:
  OpenBankJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend), logits_(arguments, 1) {
    ratio_ = arguments.number(arguments[6], "Expected a number for ratio");
    if (!(ratio_ > 1e-300 && ratio_ <= 1.0)) throw ArgumentError{"Expected a ratio in (0, 1]"};
    figures_ = arguments.float64(arguments[7], "Expected a Float64Array for figures");
    if (figures_.size != 3) throw ArgumentError{"Expected three figures"};
    threads_ = arguments.size(arguments[8], "Expected an integer for threads");
  }
  ~OpenBankJob() override {
    if (bank_ != nullptr) backend_.close_entropy_bank(bank_);
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    const RadinOpenEntropyBank request = {
        logits_.logits(), ratio_, &bank_, &rows_, &bytes_, &far_samples_, &first_nonfinite_};
    return backend_.open_entropy_bank(&request, &run);
  }

  napi_value result(napi_env env) noexcept override {
    if (first_nonfinite_ != UINT64_MAX) return number(env, static_cast<double>(first_nonfinite_));
    figures_.data[0] = static_cast<double>(rows_);
    figures_.data[1] = static_cast<double>(bytes_);
    figures_.data[2] = static_cast<double>(far_samples_);
    try {
      std::shared_ptr<RadinEntropyBank> shared(bank_, backend_.close_entropy_bank);
      bank_ = nullptr;
      auto handle = std::make_unique<BankHandle>();
      *handle = {&backend_, logits_.models(), static_cast<int64_t>(bytes_), std::move(shared)};
      napi_value external = nullptr;
      if (napi_create_external(env, handle.get(), finalize, nullptr, &external) != napi_ok) return nullptr;
      handle.release();  // the external owns it now
      int64_t total = 0;
      napi_adjust_external_memory(env, static_cast<int64_t>(bytes_), &total);
      return napi_type_tag_object(env, external, &kBankTag) == napi_ok ? external : nullptr;
    } catch (const std::bad_alloc&) {
      bank_ = nullptr;  // the shared pointer has freed it
      return nullptr;
    }
  }

  const RadinBackend& backend_;
  LogitsArguments logits_;
  double ratio_;
  Span<double> figures_{};
  RadinEntropyBank* bank_ = nullptr;
  uint64_t rows_ = 0, bytes_ = 0, far_samples_ = 0;
  uint64_t first_nonfinite_ = UINT64_MAX;
};

class BoundsJob final : public Job {
 public:
  BoundsJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend) {
    const BankHandle& handle = bank_handle(arguments.env(), arguments[1]);
    if (handle.bank == nullptr) throw ArgumentError{"Expected a bank that is open"};
    if (handle.backend != &backend) throw ArgumentError{"Expected a bank of this backend"};
    bank_ = handle.bank;
    const size_t models = handle.models;
    const Span<double> coefficients = arguments.float64(arguments[2], "Expected a Float64Array for coefficients");
    const Span<double> lower = arguments.float64(arguments[3], "Expected a Float64Array for lower");
    const Span<double> upper = arguments.float64(arguments[4], "Expected a Float64Array for upper");
    if (coefficients.size % models != 0) throw ArgumentError{"Expected N coefficients for each mixture"};
    const size_t mixtures = coefficients.size / models;
    if (lower.size != mixtures || upper.size != mixtures) throw ArgumentError{"Expected two bounds for each mixture"};
    coefficients_.assign(coefficients.data, coefficients.data + coefficients.size);
    for (size_t s = 0; s < mixtures; ++s) require_mixture(&coefficients_[s * models], models);
    request_ = {bank_.get(), mixtures, coefficients_.data(), lower.data, upper.data};
    threads_ = arguments.size(arguments[5], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override { return backend_.entropy_bounds(&request_, &run); }
  napi_value result(napi_env env) noexcept override { return number(env, 0); }

  const RadinBackend& backend_;
  std::shared_ptr<RadinEntropyBank> bank_;
  std::vector<double> coefficients_;
  RadinEntropyBounds request_{};
};

}  // namespace

std::unique_ptr<Job> entropy_bank_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<OpenBankJob>(backend, arguments);
}

std::unique_ptr<Job> entropy_bounds_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<BoundsJob>(backend, arguments);
}

void close_entropy_bank(napi_env env, const Arguments& arguments) { close(env, bank_handle(env, arguments[0])); }

}  // namespace radin
