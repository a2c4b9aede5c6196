// bankOpen(backend, …LogitsArguments, top, threads, state)
// → Promise<bank>, an object with the numbers alwaysRight, alwaysWrong, rows and bytes.
// bankCount(backend, bank, coefficients: Float64Array [S, N], counts: Float64Array [S], threads, state) → Promise<0>
// bankCorrect(backend, bank, coefficients: Float64Array [N], correct: Uint8Array [M], threads, state) → Promise<0>
// bankAllSubsets(backend, bank, lambda, subsets: Uint32Array [K], correct: Float64Array [K],
//                sizes: Float64Array [3, N + 1], counts: Uint32Array [2^N] or [0], threads, state)
// → Promise<number of subsets written>

#include <vector>

#include "bank_handle.h"
#include "calls.h"
#include "job.h"
#include "logits_arguments.h"

namespace radin {

namespace {

class BankOpenJob final : public Job {
 public:
  BankOpenJob(const RadinBackend& backend, const Arguments& arguments) : backend_(backend), logits_(arguments, 1) {
    top_ = arguments.size(arguments[6], "Expected an integer for top");
    if (top_ == 0) throw ArgumentError{"Expected at least 1 for top"};
    threads_ = arguments.size(arguments[7], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    const RadinLogits logits = logits_.logits();
    RadinBank* bank = nullptr;
    const RadinStatus status = backend_.bank_open(&logits, top_, &run, &bank, &not_finite_);
    if (status != RADIN_DONE) return status;
    statistics_ = backend_.bank_statistics(bank);
    bank_ = std::make_shared<BankHandle>(backend_, bank, logits.models, logits.samples,
                                         static_cast<double>(statistics_.bytes));
    return status;
  }

  napi_value result(napi_env env) noexcept override {
    const napi_value object = wrap_bank(env, std::move(bank_));
    if (object == nullptr) return nullptr;
    const std::pair<const char*, uint64_t> numbers[] = {{"alwaysRight", statistics_.always_right},
                                                        {"alwaysWrong", statistics_.always_wrong},
                                                        {"rows", statistics_.rows},
                                                        {"bytes", statistics_.bytes}};
    for (const auto& [name, value] : numbers) {
      napi_set_named_property(env, object, name, number(env, static_cast<double>(value)));
    }
    return object;
  }

  const RadinBackend& backend_;
  const LogitsArguments logits_;
  size_t top_;
  RadinBankStatistics statistics_{};
  std::shared_ptr<BankHandle> bank_;
};

// Coefficients of whole mixtures, each with an ingredient; a copy.
std::vector<double> coefficients_of(const Arguments& arguments, size_t position, size_t models, size_t mixtures) {
  const Span<double> values = arguments.float64(arguments[position], "Expected a Float64Array for coefficients");
  if (values.size % models != 0 || values.size / models != mixtures) {
    throw ArgumentError{"Expected N coefficients for each mixture"};
  }
  for (size_t s = 0; s < mixtures; ++s) {
    bool has_one = false;
    for (size_t k = 0; k < models; ++k) {
      const double value = values.data[s * models + k];
      if (!(value >= 0.0 && value <= 1.0)) throw ArgumentError{"Expected coefficients in [0, 1]"};
      has_one |= value == 1.0;
    }
    if (!has_one) throw ArgumentError{"Expected a largest coefficient of 1 in each mixture"};
  }
  return {values.data, values.data + values.size};
}

class BankCountJob final : public Job {
 public:
  BankCountJob(const RadinBackend& backend, const Arguments& arguments)
      : bank_(bank_argument(arguments, 1, backend)),
        counts_(arguments.float64(arguments[3], "Expected a Float64Array for counts")),
        coefficients_(coefficients_of(arguments, 2, bank_->models, counts_.size)) {
    threads_ = arguments.size(arguments[4], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    return bank_->backend.bank_count(bank_->bank, coefficients_.data(), counts_.size, counts_.data, &run);
  }
  napi_value result(napi_env env) noexcept override { return number(env, 0); }

  const std::shared_ptr<BankHandle> bank_;
  const Span<double> counts_;
  const std::vector<double> coefficients_;
};

class BankCorrectJob final : public Job {
 public:
  BankCorrectJob(const RadinBackend& backend, const Arguments& arguments)
      : bank_(bank_argument(arguments, 1, backend)),
        coefficients_(coefficients_of(arguments, 2, bank_->models, 1)),
        correct_(arguments.bytes(arguments[3], "Expected a Uint8Array for correct")) {
    if (correct_.size != bank_->samples) throw ArgumentError{"Expected M elements for correct"};
    threads_ = arguments.size(arguments[4], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    return bank_->backend.bank_correct(bank_->bank, coefficients_.data(), correct_.data, &run);
  }
  napi_value result(napi_env env) noexcept override { return number(env, 0); }

  const std::shared_ptr<BankHandle> bank_;
  const std::vector<double> coefficients_;
  const Span<uint8_t> correct_;
};

class BankAllSubsetsJob final : public Job {
 public:
  BankAllSubsetsJob(const RadinBackend& backend, const Arguments& arguments)
      : bank_(bank_argument(arguments, 1, backend)),
        lambda_(arguments.number(arguments[2], "Expected a number for lambda")),
        subsets_(arguments.uint32(arguments[3], "Expected a Uint32Array for subsets")),
        correct_(arguments.float64(arguments[4], "Expected a Float64Array for correct")),
        sizes_(arguments.float64(arguments[5], "Expected a Float64Array for sizes")),
        every_(arguments.uint32(arguments[6], "Expected a Uint32Array for counts")),
        best_(subsets_.size),
        counts_(sizes_.size) {
    constexpr size_t kMostModels = 24;
    if (bank_->models > kMostModels || bank_->samples == 0) throw ArgumentError{"Expected N <= 24 and M >= 1"};
    if (correct_.size != subsets_.size) throw ArgumentError{"Expected as many elements for correct as for subsets"};
    if (sizes_.size != 3 * (bank_->models + 1)) throw ArgumentError{"Expected 3 (N + 1) elements for sizes"};
    if (every_.size != 0 && every_.size != size_t{1} << bank_->models) {
      throw ArgumentError{"Expected 2^N or no elements for counts"};
    }
    if (!(lambda_ >= 0 && lambda_ <= 1e300)) throw ArgumentError{"Expected a finite lambda of at least 0"};
    threads_ = arguments.size(arguments[7], "Expected an integer for threads");
  }

 private:
  RadinStatus run(const RadinRun& run) noexcept override {
    const size_t sizes = bank_->models + 1;
    RadinAllSubsets request = {best_.size(),   lambda_,          best_.data(), 0, counts_.data(), &counts_[sizes],
                               &counts_[2 * sizes], every_.size == 0 ? nullptr : every_.data};
    const RadinStatus status = bank_->backend.bank_all_subsets(bank_->bank, &request, &run);
    if (status != RADIN_DONE) return status;
    kept_ = request.kept;
    for (size_t i = 0; i < kept_; ++i) {
      subsets_.data[i] = best_[i].subset;
      correct_.data[i] = static_cast<double>(best_[i].correct);
    }
    for (size_t i = 0; i < counts_.size(); ++i) sizes_.data[i] = static_cast<double>(counts_[i]);
    return status;
  }
  napi_value result(napi_env env) noexcept override { return number(env, static_cast<double>(kept_)); }

  const std::shared_ptr<BankHandle> bank_;
  const double lambda_;
  const Span<uint32_t> subsets_;
  const Span<double> correct_;
  const Span<double> sizes_;
  const Span<uint32_t> every_;  // [2^N], or empty where the counts are not asked for
  std::vector<RadinSubset> best_;
  std::vector<uint64_t> counts_;  // [3, N + 1]
  size_t kept_ = 0;
};

}  // namespace

std::unique_ptr<Job> bank_open_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<BankOpenJob>(backend, arguments);
}

std::unique_ptr<Job> bank_count_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<BankCountJob>(backend, arguments);
}

std::unique_ptr<Job> bank_correct_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<BankCorrectJob>(backend, arguments);
}

std::unique_ptr<Job> bank_all_subsets_job(const RadinBackend& backend, const Arguments& arguments) {
  return std::make_unique<BankAllSubsetsJob>(backend, arguments);
}

}  // namespace radin
