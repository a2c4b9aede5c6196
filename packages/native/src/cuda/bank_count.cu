// Counting the correct samples of mixtures on a bank.
//
// Fused: sums over a mixture's ingredients of all slots of 16 samples, their comparison, the count of preferred classes
// and the count of wrong samples. The sums exist in registers only; what comes back is a count for each mixture, and
// the groups whose samples integers leave open, about which the host asks the float64 loop.
// Shapes: wrong counts [S], open groups at most [G x S]. Neighbouring threads are mixtures of one group, whose rows they
// find in the first-level cache.
// Memory: a chunk of mixtures at a time, with room for all of its groups to be open, on the device.

#include "bank_count.h"

#include <algorithm>
#include <vector>

#include "../cpu/fork_join.h"
#include "../cpu/mixture_lists.h"
#include "../exact/group_masks.h"

namespace radin {

namespace {

struct OpenGroup {
  uint32_t group, mixture;
  uint16_t wrong, uncertain;  // lanes
};

// One group and mixture for each index.
struct CountGroups {
  BankView bank;
  BankMixtures mixtures;
  size_t count;          // S
  uint32_t* wrong;       // in and out: [S], samples of groups that are not open
  OpenGroup* open;       // out: [G x S]
  uint32_t* open_count;  // in and out

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
    const uint32_t possible = lanes_that_have_enough(bank, group, preferred.possible);
    if (certain != possible) {
      open[atomic_add(open_count, uint32_t{1})] = {static_cast<uint32_t>(group), static_cast<uint32_t>(s),
                                                   static_cast<uint16_t>(certain),
                                                   static_cast<uint16_t>(possible & ~certain)};
    } else if (certain != 0) {
      atomic_add(&wrong[s], bits_in(certain));
    }
  }
};

// Bytes of the room for a chunk's open groups.
constexpr size_t kOpenBytes = size_t{64} << 20;
// Open groups that a thread takes at a time.
constexpr size_t kOpenAtOnce = 1024;

size_t chunk_of(const Bank& bank) {
  const size_t slots = std::max<size_t>(bank.first_slot[bank.groups], 1);
  const size_t by_memory = kOpenBytes / (sizeof(OpenGroup) * std::max<size_t>(bank.groups, 1));
  const size_t by_time = kLaunchSteps / (slots * bank.models);  // a step is an ingredient's 16 lanes of a slot
  return std::clamp<size_t>(std::min(by_memory, by_time), 1, size_t{1} << 16);
}

// Wrong samples of chunks of mixtures.
class WrongCounts {
 public:
  explicit WrongCounts(const DeviceBank& bank) : bank_(bank), open_count_(1) {}

  void make(const double* coefficients, size_t mixtures) {
    const MixtureLists lists(coefficients, mixtures, bank_.host->models);
    upload(stream_, lists.first.data(), lists.first.size(), &first_);
    upload(stream_, lists.ingredient.data(), lists.ingredient.size(), &ingredient_);
    upload(stream_, lists.coefficient.data(), lists.coefficient.size(), &coefficient_);
    upload(stream_, lists.uniform.data(), lists.uniform.size(), &uniform_);
    upload(stream_, lists.total.data(), lists.total.size(), &total_);
    const size_t size = bank_.host->groups * mixtures;
    if (open_.size() < size) open_ = DeviceArray<OpenGroup>(size);
    if (wrong_.size() < mixtures) wrong_ = DeviceArray<uint32_t>(mixtures);
    stream_.clear(wrong_.data(), mixtures);
    stream_.clear(open_count_.data(), 1);
    const BankMixtures view = {first_.data(), ingredient_.data(), coefficient_.data(), uniform_.data(), total_.data()};
    stream_.launch(CountGroups{bank_.view(), view, mixtures, wrong_.data(), open_.data(), open_count_.data()}, size);
    uint32_t count = 0;
    wrong.resize(mixtures);
    stream_.to_host(wrong.data(), wrong_.data(), mixtures);
    stream_.to_host(&count, open_count_.data(), 1);
    stream_.wait();
    open.resize(count);
    stream_.to_host(open.data(), open_.data(), count);
    stream_.wait();
  }

  std::vector<uint32_t> wrong;  // [S], without those of open groups
  std::vector<OpenGroup> open;  // in no order

 private:
  const DeviceBank& bank_;
  DeviceArray<uint32_t> first_;
  DeviceArray<uint16_t> ingredient_;
  DeviceArray<float> coefficient_;
  DeviceArray<uint8_t> uniform_;
  DeviceArray<float> total_;
  DeviceArray<uint32_t> wrong_;
  DeviceArray<OpenGroup> open_;
  DeviceArray<uint32_t> open_count_;
  Stream stream_;
};

}  // namespace

RadinStatus count_correct_on_device(const DeviceBank& bank, const double* coefficients, size_t mixtures, double* counts,
                                    const RadinRun& run) {
  const Bank& host = *bank.host;
  const size_t chunk = chunk_of(host);
  WrongCounts found(bank);
  std::vector<uint8_t> wrong_of_open;
  for (size_t begin = 0; begin < mixtures; begin += chunk) {
    if (is_cancelled(run)) return RADIN_STOPPED;
    const size_t size = std::min(chunk, mixtures - begin);
    const double* const rows = coefficients + begin * host.models;
    found.make(rows, size);
    const size_t open = found.open.size();
    wrong_of_open.resize(open);
    const double total = static_cast<double>(mixtures);
    const Share share = {static_cast<double>(begin) / total, static_cast<double>(begin + size) / total};
    const auto ask = [&](uint32_t, size_t block) {
      for (size_t i = block * kOpenAtOnce; i < std::min((block + 1) * kOpenAtOnce, open); ++i) {
        const OpenGroup& at = found.open[i];
        const uint32_t lanes = host.wrong_lanes(at.group, at.wrong, at.uncertain, rows + at.mixture * host.models);
        wrong_of_open[i] = static_cast<uint8_t>(__builtin_popcount(lanes));
      }
    };
    const RadinStatus status = for_each_block(run, (open + kOpenAtOnce - 1) / kOpenAtOnce, ask, share);
    if (status != RADIN_DONE) return status;
    for (size_t i = 0; i < open; ++i) found.wrong[found.open[i].mixture] += wrong_of_open[i];
    const size_t decided = host.samples - host.always_wrong.size();
    for (size_t s = 0; s < size; ++s) counts[begin + s] = static_cast<double>(decided - found.wrong[s]);
  }
  return RADIN_DONE;
}

}  // namespace radin
