// Scoring mixtures on a bank. Threads take groups of samples; each keeps its own counts, which are integers, so that their
// sum does not depend on who counted what.

#include "bank_count.h"

#include <algorithm>
#include <vector>

#include "fork_join.h"
#include "mixture_lists.h"

namespace radin {

namespace {

// Mixtures whose masks are kept at once; between batches a thread looks whether the call was cancelled.
constexpr size_t kBatch = 1024;
// Vector additions below which a second thread costs more than it does.
constexpr double kWorkOfThread = 1e6;

}  // namespace

RadinStatus count_correct(const InstructionSet& set, const Bank& bank, const double* coefficients, size_t mixtures,
                          double* counts, const RadinRun& run) {
  const BankView view = bank.view();
  // Mixtures pass in chunks, whose lists and counts stay small however many there are.
  constexpr size_t kChunk = 64 * kBatch;
  for (size_t chunk = 0; chunk < mixtures; chunk += kChunk) {
    const size_t size = std::min(kChunk, mixtures - chunk);
    const double* const rows = coefficients + chunk * bank.models;
    const MixtureLists lists(rows, size, bank.models);
    const BankMixtures view_of_mixtures = lists.view();
    const double work = static_cast<double>(view.first_slot[view.groups]) * static_cast<double>(lists.ingredient.size());
    RadinRun threads = run;
    threads.threads = std::min(run.threads, static_cast<size_t>(work / kWorkOfThread) + 1);
    // Several groups to a block, and several blocks to a thread.
    const size_t workers = worker_count(threads, view.groups);
    const size_t block = std::clamp<size_t>(view.groups / (8 * workers), 1, 64);
    const size_t blocks = (view.groups + block - 1) / block;
    std::vector<std::vector<uint32_t>> wrong_counts(workers, std::vector<uint32_t>(size, 0));
    std::vector<std::vector<uint16_t>> masks(workers, std::vector<uint16_t>(2 * kBatch));
    const double total = static_cast<double>(mixtures);
    const Share share = {static_cast<double>(chunk) / total, static_cast<double>(chunk + size) / total};
    const auto count_block = [&](uint32_t worker, size_t index) {
      uint16_t* const wrong = masks[worker].data();
      uint16_t* const uncertain = wrong + kBatch;
      for (size_t group = index * block; group < std::min((index + 1) * block, view.groups); ++group) {
        for (size_t begin = 0; begin < size; begin += kBatch) {
          if (is_cancelled(run)) return;
          const size_t end = std::min(begin + kBatch, size);
          set.bank.group_masks(view, group, view_of_mixtures, begin, end, wrong, uncertain);
          for (size_t s = begin; s < end; ++s) {
            uint32_t lanes = wrong[s - begin];
            if (uncertain[s - begin] != 0) {
              lanes = bank.wrong_lanes(group, wrong[s - begin], uncertain[s - begin], rows + s * bank.models);
            }
            wrong_counts[worker][s] += static_cast<uint32_t>(__builtin_popcount(lanes));
          }
        }
      }
    };
    const RadinStatus status = for_each_block(threads, blocks, count_block, share);
    if (status != RADIN_DONE) return status;
    for (size_t s = 0; s < size; ++s) {
      double right = static_cast<double>(bank.samples - bank.always_wrong.size());
      for (const auto& wrong : wrong_counts) right -= static_cast<double>(wrong[s]);
      counts[chunk + s] = right;
    }
  }
  return RADIN_DONE;
}

RadinStatus mark_correct(const InstructionSet& set, const Bank& bank, const double* coefficients, uint8_t* correct,
                         const RadinRun& run) {
  const BankView view = bank.view();
  const MixtureLists lists(coefficients, 1, bank.models);
  std::fill_n(correct, bank.samples, uint8_t{1});
  for (const uint32_t sample : bank.always_wrong) correct[sample] = 0;
  for (size_t group = 0; group < view.groups; ++group) {
    if (group % kBatch == 0 && is_cancelled(run)) return RADIN_STOPPED;
    uint16_t wrong = 0;
    uint16_t uncertain = 0;
    set.bank.group_masks(view, group, lists.view(), 0, 1, &wrong, &uncertain);
    const uint32_t lanes = bank.wrong_lanes(group, wrong, uncertain, coefficients);
    for (size_t lane = 0; lane < kBankLanes; ++lane) {
      const uint32_t sample = bank.sample[group * kBankLanes + lane];
      if (sample != Bank::kNoSample) correct[sample] = (lanes >> lane & 1) == 0;
    }
  }
  return RADIN_DONE;
}

}  // namespace radin
