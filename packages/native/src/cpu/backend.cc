// The CPU's function tables, one per instruction set, and the only place where C++ exceptions meet the C ABI.

#include <exception>

#include "all_subsets.h"
#include "average.h"
#include "bank_build.h"
#include "bank_count.h"
#include "cross_entropy.h"
#include "cross_entropy_bank.h"
#include "gram.h"
#include "instruction_sets.h"
#include "predict.h"
#include "stream.h"

namespace radin {

namespace {

template <class Request>
using Call = RadinStatus (*)(const InstructionSet&, const Request&, const RadinRun&);

template <const InstructionSet& set, class Request, Call<Request> call>
RadinStatus guarded(const Request* request, const RadinRun* run) noexcept {
  try {
    return call(set, *request, *run);
  } catch (const std::exception&) {  // only the allocation of work space throws
    return RADIN_OUT_OF_MEMORY;
  }
}

const Bank& bank_of(const RadinBank* bank) { return *reinterpret_cast<const Bank*>(bank); }

template <const InstructionSet& set>
RadinStatus bank_open(const RadinLogits* logits, size_t top, const RadinRun* run, RadinBank** bank,
                      RadinLogit* not_finite) noexcept {
  try {
    std::unique_ptr<Bank> built;
    const RadinStatus status = build_bank(set, *logits, top, *run, &built, not_finite);
    *bank = reinterpret_cast<RadinBank*>(built.release());
    return status;
  } catch (const std::exception&) {
    return RADIN_OUT_OF_MEMORY;
  }
}

RadinBankStatistics bank_statistics(const RadinBank* handle) noexcept {
  const Bank& bank = bank_of(handle);
  return {bank.always_right, bank.always_wrong.size(), bank.rows, bank.bytes()};
}

template <const InstructionSet& set>
RadinStatus bank_count(const RadinBank* bank, const double* coefficients, size_t mixtures, double* counts,
                       const RadinRun* run) noexcept {
  try {
    return count_correct(set, bank_of(bank), coefficients, mixtures, counts, *run);
  } catch (const std::exception&) {
    return RADIN_OUT_OF_MEMORY;
  }
}

template <const InstructionSet& set>
RadinStatus bank_correct(const RadinBank* bank, const double* coefficients, uint8_t* correct,
                         const RadinRun* run) noexcept {
  try {
    return mark_correct(set, bank_of(bank), coefficients, correct, *run);
  } catch (const std::exception&) {
    return RADIN_OUT_OF_MEMORY;
  }
}

template <const InstructionSet& set>
RadinStatus bank_all_subsets(const RadinBank* bank, RadinAllSubsets* request, const RadinRun* run) noexcept {
  try {
    return score_all_subsets(set, bank_of(bank), request, *run);
  } catch (const std::exception&) {
    return RADIN_OUT_OF_MEMORY;
  }
}

void bank_close(RadinBank* bank) noexcept { delete reinterpret_cast<Bank*>(bank); }

void close_entropy_bank(RadinEntropyBank* bank) { delete bank; }

template <const InstructionSet& set>
constexpr RadinBackend table(const char* name, const char* (*unavailable)()) {
  return {name,
          unavailable,
          guarded<set, RadinAverage, average>,
          guarded<set, RadinStream, stream>,
          bank_open<set>,
          bank_statistics,
          bank_count<set>,
          bank_correct<set>,
          bank_all_subsets<set>,
          bank_close,
          guarded<set, RadinCrossEntropy, cross_entropy>,
          guarded<set, RadinOpenEntropyBank, open_entropy_bank>,
          guarded<set, RadinEntropyBounds, entropy_bounds>,
          close_entropy_bank,
          guarded<set, RadinGram, gram>,
          guarded<set, RadinPredict, predict>};
}

[[maybe_unused]] const char* always_available() { return nullptr; }

}  // namespace

// The tables that kernels/ defines for an instruction set of CMakeLists.txt.
#define RADIN_KERNELS_OF(name)                                                                     \
  namespace name {                                                                                 \
  extern const AverageKernels kAverageKernels;                                                     \
  extern const BankKernels kBankKernels;                                                           \
  extern const SubsetKernels kSubsetKernels;                                                       \
  extern const CrossEntropyKernels kCrossEntropyKernels;                                           \
  extern const CrossEntropyBankKernels kCrossEntropyBankKernels;                                   \
  extern const StreamKernels kStreamKernels;                                                       \
  extern const GramKernels kGramKernels;                                                           \
  extern const PredictKernels kPredictKernels;                                                     \
  extern const ProductKernels kProductKernels;                                                     \
  constexpr InstructionSet kSet = {kAverageKernels,      kBankKernels,             kSubsetKernels, \
                                   kCrossEntropyKernels, kCrossEntropyBankKernels, kStreamKernels, \
                                   kGramKernels,         kPredictKernels,          kProductKernels}; \
  }

#if defined(__x86_64__)

RADIN_KERNELS_OF(avx512)
RADIN_KERNELS_OF(avx2)
RADIN_KERNELS_OF(portable)

namespace {

const char* avx512_unavailable() {
  const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return has ? nullptr : "this processor lacks AVX-512 (F, BW, DQ, VL)";
}

const char* avx2_unavailable() {
  // No processor has AVX2 without F16C, and GCC 12 cannot ask for that one.
  const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has ? nullptr : "this processor lacks AVX2 or FMA";
}

constexpr RadinBackend kBackends[] = {
    table<avx512::kSet>("cpu-avx512", avx512_unavailable),
    table<avx2::kSet>("cpu-avx2", avx2_unavailable),
    table<portable::kSet>("cpu-portable", always_available),
};
constexpr const InstructionSet* kSets[] = {&avx512::kSet, &avx2::kSet, &portable::kSet};

}  // namespace

#elif defined(__aarch64__)

RADIN_KERNELS_OF(neon)

namespace {
constexpr RadinBackend kBackends[] = {table<neon::kSet>("cpu-neon", always_available)};
constexpr const InstructionSet* kSets[] = {&neon::kSet};
}

#else

RADIN_KERNELS_OF(portable)

namespace {
constexpr RadinBackend kBackends[] = {table<portable::kSet>("cpu-portable", always_available)};
constexpr const InstructionSet* kSets[] = {&portable::kSet};
}

#endif

// Beside each of kBackends its kernels.
const InstructionSet& best_instruction_set() {
  size_t index = 0;
  while (kBackends[index].unavailable() != nullptr) ++index;  // the last always is available
  return *kSets[index];
}

}  // namespace radin

const RadinBackend* radin_cpu_backends(size_t* count) {
  *count = sizeof radin::kBackends / sizeof radin::kBackends[0];
  return radin::kBackends;
}
