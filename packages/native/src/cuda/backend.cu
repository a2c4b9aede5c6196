// The CUDA backend's function table, and the only place where C++ exceptions meet the C ABI.

#include <cstring>
#include <exception>

#include "../cpu/bank_build.h"
#include "../cpu/bank_count.h"
#include "all_subsets.h"
#include "average.h"
#include "bank_count.h"

namespace radin {

namespace {

template <class Body>
RadinStatus guarded(const RadinRun* run, const Body& body) noexcept {
  try {
    return body();
  } catch (const DeviceError& error) {
    std::strncpy(run->device_error, error.message.c_str(), RADIN_ERROR_BYTES - 1);
    return RADIN_DEVICE_FAILED;
  } catch (const std::exception&) {  // only the allocation of work space throws
    return RADIN_OUT_OF_MEMORY;
  }
}

const DeviceBank& bank_of(const RadinBank* bank) { return *reinterpret_cast<const DeviceBank*>(bank); }

RadinStatus average(const RadinAverage* request, const RadinRun* run) {
  return guarded(run, [&] { return average_on_device(*request, *run); });
}

RadinStatus bank_open(const RadinLogits* logits, size_t top, const RadinRun* run, RadinBank** bank,
                      RadinLogit* not_finite) {
  return guarded(run, [&] {
    // On the host, whose memory the logits are in: to send them to a device takes longer than to sift them here.
    std::unique_ptr<Bank> host;
    const RadinStatus status = build_bank(best_instruction_set(), *logits, top, *run, &host, not_finite);
    if (status == RADIN_DONE) *bank = reinterpret_cast<RadinBank*>(new DeviceBank(std::move(host)));
    return status;
  });
}

RadinBankStatistics bank_statistics(const RadinBank* handle) {
  const Bank& bank = *bank_of(handle).host;
  return {bank.always_right, bank.always_wrong.size(), bank.rows, bank.bytes()};
}

RadinStatus bank_count(const RadinBank* bank, const double* coefficients, size_t mixtures, double* counts,
                       const RadinRun* run) {
  return guarded(run, [&] { return count_correct_on_device(bank_of(bank), coefficients, mixtures, counts, *run); });
}

RadinStatus bank_correct(const RadinBank* bank, const double* coefficients, uint8_t* correct, const RadinRun* run) {
  // One mixture is done before a device has been told of it.
  return guarded(run, [&] {
    return mark_correct(best_instruction_set(), *bank_of(bank).host, coefficients, correct, *run);
  });
}

RadinStatus bank_all_subsets(const RadinBank* bank, RadinAllSubsets* request, const RadinRun* run) {
  return guarded(run, [&] { return score_all_subsets_on_device(bank_of(bank), request, *run); });
}

void bank_close(RadinBank* bank) { delete reinterpret_cast<DeviceBank*>(bank); }

#ifdef __CUDACC__
constexpr char kName[] = "cuda";
#else
constexpr char kName[] = "cuda-on-host";
#endif

RadinLibrary library() {
  RadinLibrary made{};  // functions that are not set are the CPU's
  made.version = RADIN_LIBRARY_VERSION;
  made.backend.name = kName;
  made.backend.unavailable = device_unavailable;
  made.backend.average = average;
  made.backend.bank_open = bank_open;
  made.backend.bank_statistics = bank_statistics;
  made.backend.bank_count = bank_count;
  made.backend.bank_correct = bank_correct;
  made.backend.bank_all_subsets = bank_all_subsets;
  made.backend.bank_close = bank_close;
  return made;
}

}  // namespace

}  // namespace radin

extern "C" __attribute__((visibility("default"))) const RadinLibrary* radin_library() {
  static const RadinLibrary library = radin::library();
  return &library;
}
