// Scoring mixtures on a bank.
//
// Fused: sums over a mixture's ingredients of all slots of 16 samples, their comparison, and the count of preferred
// classes. The sums exist in registers only; what comes back is 16 + 16 bits for each group and mixture, and the host
// asks the float64 loop where they leave a sample open.
// Shapes: masks [G, S]. Neighbouring threads are mixtures of one group, whose rows they find in the first-level cache.
// Memory: lists of a chunk of mixtures and 4 bytes for each group and mixture of it, on both sides.

#include "bank_count.h"

#include <algorithm>
#include <vector>

#include "../cpu/fork_join.h"
#include "../cpu/mixture_lists.h"
#include "../exact/group_masks.h"

namespace radin {

namespace {

// One group and mixture for each index.
struct MaskGroups {
  BankView bank;
  BankMixtures mixtures;
  size_t count;         // S
  uint16_t* wrong;      // out: [G, S]
  uint16_t* uncertain;  // out: [G, S]

  RADIN_ANYWHERE void operator()(size_t index) const {
    const size_t group = index / count;
    const size_t s = index % count;
    const uint32_t first = mixtures.first[s];
    const size_t ingredients = mixtures.first[s + 1] - first;
    const uint16_t* const ingredient = mixtures.ingredient + first;
    const PreferredSlots preferred =
        mixtures.uniform[s] != 0
            ? preferred_by_subset(bank, group, ingredient, ingredients)
            : preferred_by_weights(bank, group, ingredient, mixtures.coefficient + first, ingredients,
                                   mixtures.total[s]);
    const uint32_t certain = lanes_that_have_enough(bank, group, preferred.certain);
    wrong[index] = static_cast<uint16_t>(certain);
    uncertain[index] = static_cast<uint16_t>(lanes_that_have_enough(bank, group, preferred.possible) & ~certain);
  }
};

// Bytes of the masks of a chunk.
constexpr size_t kMaskBytes = size_t{16} << 20;
// Slots times ingredients, of 16 lanes each, of a launch, which nothing stops: 4 thousand million additions.
constexpr size_t kLaunchWork = size_t{1} << 28;

size_t chunk_of(const Bank& bank) {
  const size_t slots = std::max<size_t>(bank.first_slot[bank.groups], 1);
  const size_t by_memory = kMaskBytes / (2 * sizeof(uint16_t) * std::max<size_t>(bank.groups, 1));
  return std::clamp<size_t>(std::min(by_memory, kLaunchWork / (slots * bank.models)), 1, size_t{1} << 16);
}

// Masks of chunks of mixtures.
class Masks {
 public:
  explicit Masks(const DeviceBank& bank) : bank_(bank) {}

  void make(const double* coefficients, size_t mixtures) {
    const MixtureLists lists(coefficients, mixtures, bank_.host->models);
    upload(stream_, lists.first.data(), lists.first.size(), &first_);
    upload(stream_, lists.ingredient.data(), lists.ingredient.size(), &ingredient_);
    upload(stream_, lists.coefficient.data(), lists.coefficient.size(), &coefficient_);
    upload(stream_, lists.uniform.data(), lists.uniform.size(), &uniform_);
    upload(stream_, lists.total.data(), lists.total.size(), &total_);
    const size_t size = bank_.host->groups * mixtures;
    if (wrong_.size() < size) {
      wrong_ = DeviceArray<uint16_t>(size);
      uncertain_ = DeviceArray<uint16_t>(size);
    }
    wrong.resize(size);
    uncertain.resize(size);
    const BankMixtures view = {first_.data(), ingredient_.data(), coefficient_.data(), uniform_.data(), total_.data()};
    stream_.launch(MaskGroups{bank_.view(), view, mixtures, wrong_.data(), uncertain_.data()}, size);
    stream_.to_host(wrong.data(), wrong_.data(), size);
    stream_.to_host(uncertain.data(), uncertain_.data(), size);
    stream_.wait();
  }

  std::vector<uint16_t> wrong, uncertain;  // [G, S]

 private:
  const DeviceBank& bank_;
  DeviceArray<uint32_t> first_;
  DeviceArray<uint16_t> ingredient_;
  DeviceArray<float> coefficient_;
  DeviceArray<uint8_t> uniform_;
  DeviceArray<float> total_;
  DeviceArray<uint16_t> wrong_, uncertain_;
  Stream stream_;
};

}  // namespace

RadinStatus count_correct_on_device(const DeviceBank& bank, const double* coefficients, size_t mixtures, double* counts,
                                    const RadinRun& run) {
  const Bank& host = *bank.host;
  const size_t chunk = chunk_of(host);
  Masks masks(bank);
  for (size_t begin = 0; begin < mixtures; begin += chunk) {
    if (is_cancelled(run)) return RADIN_STOPPED;
    const size_t size = std::min(chunk, mixtures - begin);
    const double* const rows = coefficients + begin * host.models;
    masks.make(rows, size);
    const size_t workers = worker_count(run, host.groups);
    std::vector<std::vector<uint32_t>> wrong_counts(workers, std::vector<uint32_t>(size, 0));
    const double total = static_cast<double>(mixtures);
    const Share share = {static_cast<double>(begin) / total, static_cast<double>(begin + size) / total};
    const auto count_group = [&](uint32_t worker, size_t group) {
      for (size_t s = 0; s < size; ++s) {
        const size_t index = group * size + s;
        uint32_t lanes = masks.wrong[index];
        if (masks.uncertain[index] != 0) {
          if (is_cancelled(run)) return;
          lanes = host.wrong_lanes(group, masks.wrong[index], masks.uncertain[index], rows + s * host.models);
        }
        wrong_counts[worker][s] += static_cast<uint32_t>(__builtin_popcount(lanes));
      }
    };
    const RadinStatus status = for_each_block(run, host.groups, count_group, share);
    if (status != RADIN_DONE) return status;
    for (size_t s = 0; s < size; ++s) {
      double right = static_cast<double>(host.samples - host.always_wrong.size());
      for (const auto& wrong : wrong_counts) right -= static_cast<double>(wrong[s]);
      counts[begin + s] = right;
    }
  }
  return RADIN_DONE;
}

RadinStatus mark_correct_on_device(const DeviceBank& bank, const double* coefficients, uint8_t* correct,
                                   const RadinRun& run) {
  const Bank& host = *bank.host;
  Masks masks(bank);
  masks.make(coefficients, 1);
  std::fill_n(correct, host.samples, uint8_t{1});
  for (const uint32_t sample : host.always_wrong) correct[sample] = 0;
  for (size_t group = 0; group < host.groups; ++group) {
    if (is_cancelled(run)) return RADIN_STOPPED;
    const uint32_t lanes = host.wrong_lanes(group, masks.wrong[group], masks.uncertain[group], coefficients);
    for (size_t lane = 0; lane < kBankLanes; ++lane) {
      const uint32_t sample = host.sample[group * kBankLanes + lane];
      if (sample != Bank::kNoSample) correct[sample] = (lanes >> lane & 1) == 0;
    }
  }
  return RADIN_DONE;
}

}  // namespace radin
