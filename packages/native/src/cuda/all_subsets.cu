// Scoring all subsets of a bank, all of them at full length: 2^N x rows comparisons, which a device has the arithmetic
// for.
//
// The models in two halves: a row's sum over a subset is one of the low half's 2^(N/2) sums plus one of the high
// half's, and tables of both are made for a batch of rows at a time. A thread has one low sum in a register for kHighs
// high ones, which all threads of a warp share.
// Never in memory: sums over whole subsets.
// Shapes: tables [rows, 2^(N/2)], wrong counts [2^N].
// Memory: wrong counts (64 MiB for N = 24, on both sides), tables of up to kTableBytes, or of one group of samples
// where that is more, and the list of what only the float64 loop can tell. Where there is no room for them, or more on
// the list than is worth while, the CPU's algorithm takes over.

#include "all_subsets.h"

#include <algorithm>
#include <vector>

#include "../cpu/all_subsets.h"
#include "../cpu/best_subsets.h"
#include "../cpu/fork_join.h"
#include "all_subsets_kernels.h"

namespace radin {

namespace {

// Tables of a batch stay in a second-level cache.
constexpr size_t kTableBytes = size_t{16} << 20;
// Uncertain samples of a launch that the host is asked about, for each subset and at most.
constexpr size_t kUncertainOfSubset = 4;
constexpr size_t kMostUncertain = size_t{1} << 20;
// And of all launches.
constexpr size_t kMostAsked = size_t{1} << 23;
// Of them a thread takes that many at a time, and of subsets when the best are chosen.
constexpr size_t kPairsAtOnce = 1024;
constexpr size_t kSubsetsAtOnce = size_t{1} << 16;

class AllSubsets {
 public:
  AllSubsets(const DeviceBank& bank, const RadinRun& run)
      : bank_(bank), host_(*bank.host), run_(run), subsets_(size_t{1} << host_.models) {
    low_models_ = (host_.models + 1) / 2;
    lows_ = size_t{1} << low_models_;
    highs_ = std::max(subsets_ >> low_models_, kHighs);
    table_bytes_ = std::min(kTableBytes, free_device_memory() / 4);
    room_ = std::min(kUncertainOfSubset * subsets_, kMostUncertain);
  }

  // Whether the device has room; half of what is free, as other calls may need some.
  bool fits() const {
    const size_t most_rows = std::max(rows_at_once(), rows_of_largest_group());
    const size_t bytes = most_rows * row_bytes() + subsets_ * sizeof(uint32_t) + room_ * sizeof(UncertainPair);
    return bytes <= free_device_memory() / 2;
  }

  // Counts the samples that each subset gets wrong. `*worked` is false if too many were uncertain.
  RadinStatus count(std::vector<uint32_t>* wrong, bool* worked) {
    allocate();
    stream_.clear(wrong_.data(), subsets_);
    for (size_t group = 0; group < host_.groups;) {
      const size_t end = batch_end(group);
      const RadinStatus status = score(batch_of(group, end), worked);
      if (status != RADIN_DONE || !*worked) return status;
      group = end;
    }
    wrong->resize(subsets_);
    stream_.to_host(wrong->data(), wrong_.data(), subsets_);
    stream_.wait();
    for (const uint32_t subset : also_wrong_) ++(*wrong)[subset];
    return RADIN_DONE;
  }

  // Of the call's work; the rest is choosing the best.
  static constexpr double kShareOfCounts = 0.9;

 private:
  size_t row_bytes() const { return (lows_ + highs_) * sizeof(int32_t); }
  size_t rows_at_once() const { return std::min(table_bytes_ / row_bytes(), rows_of(0, host_.groups)); }
  size_t rows_of(size_t group, size_t end) const {
    return (host_.first_slot[end] - host_.first_slot[group]) * kBankLanes;
  }
  // Groups are in descending order of their slots.
  size_t rows_of_largest_group() const { return host_.groups == 0 ? 0 : rows_of(0, 1); }

  void allocate() {
    const size_t rows = std::max(rows_at_once(), rows_of_largest_group());
    low_ = DeviceArray<int32_t>(rows * lows_);
    high_ = DeviceArray<int32_t>(rows * highs_);
    wrong_ = DeviceArray<uint32_t>(subsets_);
    uncertain_ = DeviceArray<UncertainPair>(room_);
    uncertain_count_ = DeviceArray<uint32_t>(1);
  }

  size_t batch_end(size_t group) const {
    size_t end = group + 1;
    while (end < host_.groups && rows_of(group, end + 1) <= rows_at_once()) ++end;
    return end;
  }

  Batch batch_of(size_t group, size_t end) {
    return {bank_.view(), group,       end,        host_.first_slot[group], low_models_, lows_, highs_,
            subsets_,     low_.data(), high_.data()};
  }

  RadinStatus score(const Batch& batch, bool* worked) {
    const size_t rows = rows_of(batch.first_group, batch.end_group);
    stream_.launch(MakeTables{batch}, rows * (lows_ + highs_));
    const size_t threads = lows_ * (highs_ / kHighs);
    // Pairs of a row and a subset are steps; they are few enough to count a launch's uncertain samples in 32 bits.
    const size_t at_once = std::max<size_t>(kLaunchSteps / (rows * kHighs), 1);
    for (size_t first = 0; first < threads; first += at_once) {
      if (is_cancelled(run_)) return RADIN_STOPPED;
      tell_progress(batch, static_cast<double>(first) / static_cast<double>(threads));
      stream_.clear(uncertain_count_.data(), 1);
      stream_.launch(
          ScoreSubsets{batch, first, wrong_.data(), uncertain_.data(), room_, uncertain_count_.data()},
          std::min(at_once, threads - first));
      uint32_t count = 0;
      stream_.to_host(&count, uncertain_count_.data(), 1);
      stream_.wait();
      asked_ += count;
      *worked = count <= room_ && asked_ <= kMostAsked;
      if (!*worked) return RADIN_DONE;
      const RadinStatus status = resolve(count);
      if (status != RADIN_DONE) return status;
    }
    return RADIN_DONE;
  }

  void tell_progress(const Batch& batch, double share_of_batch) {
    const double rows_before = static_cast<double>(rows_of(0, batch.first_group));
    const double rows = static_cast<double>(rows_of(batch.first_group, batch.end_group));
    done_ = kShareOfCounts * (rows_before + share_of_batch * rows) / static_cast<double>(rows_of(0, host_.groups));
    __atomic_store_n(run_.progress, static_cast<int32_t>(1e6 * done_), __ATOMIC_RELAXED);
  }

  // Asks the float64 loop about the launch's uncertain samples.
  RadinStatus resolve(size_t count) {
    if (count == 0) return RADIN_DONE;
    std::vector<UncertainPair> pairs(count);
    stream_.to_host(pairs.data(), uncertain_.data(), count);
    stream_.wait();
    std::vector<uint8_t> is_wrong(count);
    const size_t blocks = (count + kPairsAtOnce - 1) / kPairsAtOnce;
    const auto ask = [&](uint32_t, size_t block) {
      for (size_t i = block * kPairsAtOnce; i < std::min((block + 1) * kPairsAtOnce, count); ++i) {
        double coefficients[32];
        for (size_t k = 0; k < host_.models; ++k) coefficients[k] = (pairs[i].subset >> k & 1) != 0 ? 1.0 : 0.0;
        is_wrong[i] = host_.is_wrong(pairs[i].place / kBankLanes, pairs[i].place % kBankLanes, coefficients);
      }
    };
    const RadinStatus status = for_each_block(run_, blocks, ask, Share{done_, done_});
    for (size_t i = 0; i < count; ++i) {
      if (is_wrong[i] != 0) also_wrong_.push_back(pairs[i].subset);
    }
    return status;
  }

  const DeviceBank& bank_;
  const Bank& host_;
  const RadinRun& run_;
  const size_t subsets_;  // 2^N
  size_t low_models_, lows_, highs_;
  size_t table_bytes_;
  size_t room_;
  size_t asked_ = 0;   // how many uncertain samples so far
  double done_ = 0.0;  // of the call's work
  std::vector<uint32_t> also_wrong_;  // subsets, once for each uncertain sample that they get wrong
  DeviceArray<int32_t> low_, high_;
  DeviceArray<uint32_t> wrong_;
  DeviceArray<UncertainPair> uncertain_;
  DeviceArray<uint32_t> uncertain_count_;
  Stream stream_;
};

RadinStatus choose_best(const Bank& bank, const std::vector<uint32_t>& wrong, RadinAllSubsets* request,
                        const RadinRun& run) {
  const size_t blocks = (wrong.size() + kSubsetsAtOnce - 1) / kSubsetsAtOnce;
  const BestSubsets none(bank.models, bank.samples, request->keep, request->lambda);
  std::vector<BestSubsets> best(worker_count(run, blocks), none);
  const auto choose = [&](uint32_t worker, size_t block) {
    const size_t end = std::min((block + 1) * kSubsetsAtOnce, wrong.size());
    for (size_t subset = std::max<size_t>(block * kSubsetsAtOnce, 1); subset < end; ++subset) {
      const uint64_t correct = bank.samples - bank.always_wrong.size() - wrong[subset];
      best[worker].add(static_cast<uint32_t>(subset), static_cast<size_t>(__builtin_popcountll(subset)), correct);
      if (request->counts != nullptr) request->counts[subset] = static_cast<uint32_t>(correct);
    }
  };
  const RadinStatus status = for_each_block(run, blocks, choose, Share{AllSubsets::kShareOfCounts, 1.0});
  if (status != RADIN_DONE) return status;
  BestSubsets all = none;
  for (const BestSubsets& some : best) all.merge(some);
  all.write(request);
  return RADIN_DONE;
}

}  // namespace

RadinStatus score_all_subsets_on_device(const DeviceBank& bank, RadinAllSubsets* request, const RadinRun& run) {
  std::vector<uint32_t> wrong;
  AllSubsets all(bank, run);
  bool worked = all.fits();
  if (worked) {
    const RadinStatus status = all.count(&wrong, &worked);
    if (status != RADIN_DONE) return status;
  }
  if (!worked) return score_all_subsets(best_instruction_set(), *bank.host, request, run);
  return choose_best(*bank.host, wrong, request, run);
}

}  // namespace radin
