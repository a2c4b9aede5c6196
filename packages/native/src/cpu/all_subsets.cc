// Scoring all subsets of a bank: the tree of kernels/subset_kernels.h, depth first, its upper levels split among threads.

#include "all_subsets.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "best_subsets.h"
#include "fork_join.h"

namespace radin {

namespace {

// Subtrees that threads take, for each thread: enough to keep all busy to the end.
constexpr size_t kTasksPerThread = 16;

// A bank's rows in the order of their samples, made ready for each level of the tree.
struct Rows {
  size_t count = 0;
  size_t levels = 0;                // models that are branched on
  std::vector<size_t> order;        // [N]: the models in the order of the tree's levels, then those of the leaves
  std::vector<uint32_t> place;      // [rows]: group * 16 + lane
  std::vector<uint32_t> first_row;  // [rows], row index with kFirstRow
  std::vector<int32_t> bias;        // [rows]
  std::vector<int32_t> need;        // [rows]
  std::vector<AlignedArray<SubsetRow>> level;  // [levels] of [rows]
  AlignedArray<LeafRow> leaf;                  // [rows]
};

// Models that sway rows most come first, so that bounds tighten high in the tree.
std::vector<size_t> branching_order(const Bank& bank) {
  std::vector<double> sway(bank.models, 0.0);
  const size_t slots = bank.first_slot[bank.groups];
  for (size_t slot = 0; slot < slots; ++slot) {
    for (size_t k = 0; k < bank.models; ++k) {
      const int32_t* const differences = bank.quantised.data() + (slot * bank.models + k) * kBankLanes;
      for (size_t lane = 0; lane < kBankLanes; ++lane) {
        const double difference = static_cast<double>(differences[lane]);
        sway[k] += difference < 0 ? -difference : difference;
      }
    }
  }
  std::vector<size_t> order(bank.models);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return sway[a] > sway[b]; });
  return order;
}

LeafRow leaf_row(const std::vector<int32_t>& differences, int32_t slack) {
  LeafRow row{};
  row.slack = slack;
  for (size_t subset = 0; subset < 16; ++subset) {
    for (size_t i = 0; i < 4; ++i) row.low[subset] += (subset >> i & 1) != 0 ? differences[i] : 0;
  }
  for (size_t subset = 0; subset < 4; ++subset) {
    for (size_t i = 0; i < 2; ++i) row.high[subset] += (subset >> i & 1) != 0 ? differences[4 + i] : 0;
  }
  return row;
}

Rows rows_of(const Bank& bank) {
  Rows rows;
  rows.order = branching_order(bank);
  rows.levels = bank.models > kLeafModels ? bank.models - kLeafModels : 0;
  rows.count = bank.rows;
  for (size_t level = 0; level < rows.levels; ++level) rows.level.emplace_back(bank.rows);
  rows.leaf = AlignedArray<LeafRow>(bank.rows);
  std::vector<int32_t> leaf_differences(kLeafModels);
  size_t row = 0;
  for (size_t place = 0; place < bank.groups * kBankLanes; ++place) {
    const size_t group = place / kBankLanes;
    const size_t lane = place % kBankLanes;
    for (size_t slot = bank.first_slot[group]; slot < bank.first_slot[group + 1]; ++slot) {
      const int32_t bias = bank.bias[slot * kBankLanes + lane];
      if (bias == kNoClass) break;
      const int32_t slack = bank.slack[slot * kBankLanes + lane];
      const auto difference = [&](size_t i) {
        return bank.quantised[(slot * bank.models + rows.order[i]) * kBankLanes + lane];
      };
      rows.place.push_back(static_cast<uint32_t>(place));
      rows.first_row.push_back(static_cast<uint32_t>(row) | (slot == bank.first_slot[group] ? kFirstRow : 0));
      rows.bias.push_back(bias);
      rows.need.push_back(bank.need[place]);
      int32_t highest = 0;
      int32_t lowest = 0;
      for (size_t i = bank.models; i-- > 0;) {
        if (i >= rows.levels) leaf_differences[i - rows.levels] = difference(i);
        else rows.level[i][row] = {difference(i), highest, lowest, slack};
        highest += std::max(difference(i), 0);
        lowest += std::min(difference(i), 0);
      }
      rows.leaf[row] = leaf_row(leaf_differences, slack);
      ++row;
    }
  }
  return rows;
}

// The rows alive at one node of a path from the root.
struct Node {
  std::vector<uint32_t> row;
  std::vector<int32_t> sum;
  std::vector<int32_t> need;
  size_t count = 0;
  uint64_t wrong = 0;  // samples that all subsets below get wrong

  // A step writes one entry beyond the last it keeps.
  explicit Node(size_t rows) : row(rows + 1), sum(rows + 1), need(rows + 1) {}
  AliveRows alive() { return {row.data(), sum.data(), need.data()}; }
};

// One thread's walks through subtrees.
class Walk {
 public:
  Walk(const InstructionSet& set, const Bank& bank, const Rows& rows, BestSubsets best, uint32_t* counts,
       const RadinRun& run)
      : set_(set),
        bank_(bank),
        rows_(rows),
        best_(std::move(best)),
        counts_(counts),
        run_(run),
        uncertain_(rows.count + 1) {
    for (size_t level = 0; level <= rows.levels; ++level) path_.emplace_back(rows.count);
    Node& root = path_[0];
    root.row = rows.first_row;
    root.sum = rows.bias;
    root.need = rows.need;
    root.row.resize(rows.count + 1);
    root.sum.resize(rows.count + 1);
    root.need.resize(rows.count + 1);
    root.count = rows.count;
    root.wrong = bank.always_wrong.size();
  }

  // The subtree below the path that `taken` describes: bit depth - 1 - i decides level i. Levels that the last subtree's
  // path shared are still there, so subtrees in ascending order cost hardly more than one walk through all.
  void subtree(uint32_t taken, size_t depth) {
    size_t shared = 0;
    if (walked_) {
      while (shared < depth && ((taken ^ last_) >> (depth - 1 - shared) & 1) == 0) ++shared;
    }
    uint32_t subset = 0;
    for (size_t level = 0; level < depth; ++level) {
      const bool take_in = (taken >> (depth - 1 - level) & 1) != 0;
      if (level >= shared) step(level, take_in);
      if (take_in) subset |= bit(level);
    }
    walked_ = true;
    last_ = taken;
    visit(depth, subset);
  }

  const BestSubsets& best() const { return best_; }

 private:
  uint32_t bit(size_t i) const { return uint32_t{1} << rows_.order[i]; }

  void step(size_t level, bool take_in) {
    Node& from = path_[level];
    Node& to = path_[level + 1];
    to.wrong = from.wrong;
    to.count = set_.subsets.descend(rows_.level[level].data(), from.alive(), from.count, take_in, bank_.top == 1,
                                    to.alive(), &to.wrong);
  }

  void visit(size_t level, uint32_t subset) {
    if (is_cancelled(run_)) return;
    if (level == rows_.levels) return leaf(subset);
    step(level, false);
    visit(level + 1, subset);
    step(level, true);
    visit(level + 1, subset | bit(level));
  }

  uint32_t with_leaf(uint32_t subset, size_t index) const {
    for (size_t i = rows_.levels; i < bank_.models; ++i) {
      if ((index >> (i - rows_.levels) & 1) != 0) subset |= bit(i);
    }
    return subset;
  }

  void leaf(uint32_t subset) {
    Node& node = path_[rows_.levels];
    int32_t wrong[kLeafSubsets] = {};
    const size_t uncertain =
        set_.subsets.leaf(rows_.leaf.data(), node.alive(), node.count, bank_.top == 1, wrong, uncertain_.data());
    for (size_t i = 0; i < uncertain; ++i) {
      const uint32_t place = rows_.place[uncertain_[i].row];
      for (uint64_t open = uncertain_[i].subsets; open != 0; open &= open - 1) {
        const size_t index = static_cast<size_t>(__builtin_ctzll(open));
        wrong[index] += is_wrong(place, with_leaf(subset, index));
      }
    }
    // Where there are fewer than six models to a leaf, the higher bits of an index mean nothing.
    const size_t subsets = size_t{1} << (bank_.models - rows_.levels);
    for (size_t index = 0; index < subsets; ++index) {
      const uint32_t whole = with_leaf(subset, index);
      if (whole == 0) continue;
      const uint64_t all_wrong = node.wrong + static_cast<uint64_t>(wrong[index]);
      best_.add(whole, static_cast<size_t>(__builtin_popcount(whole)), bank_.samples - all_wrong);
      if (counts_ != nullptr) counts_[whole] = static_cast<uint32_t>(bank_.samples - all_wrong);
    }
  }

  bool is_wrong(uint32_t place, uint32_t subset) const {
    double coefficients[32];
    if (subset == 0) return false;
    for (size_t k = 0; k < bank_.models; ++k) coefficients[k] = (subset >> k & 1) != 0 ? 1.0 : 0.0;
    return bank_.is_wrong(place / kBankLanes, place % kBankLanes, coefficients);
  }

  const InstructionSet& set_;
  const Bank& bank_;
  const Rows& rows_;
  BestSubsets best_;
  uint32_t* const counts_;  // [2^N], of all threads, each of which writes its own subsets'; or null
  const RadinRun& run_;
  std::vector<Node> path_;
  bool walked_ = false;
  uint32_t last_ = 0;  // the last subtree's path
  std::vector<UncertainSample> uncertain_;
};

}  // namespace

RadinStatus score_all_subsets(const InstructionSet& set, const Bank& bank, RadinAllSubsets* request,
                              const RadinRun& run) {
  const Rows rows = rows_of(bank);
  size_t depth = 0;
  while (depth < rows.levels && (size_t{1} << depth) < kTasksPerThread * run.threads) ++depth;
  const size_t tasks = size_t{1} << depth;
  const BestSubsets none(bank.models, bank.samples, request->keep, request->lambda);
  std::vector<Walk> walks;
  const size_t workers = worker_count(run, tasks);
  walks.reserve(workers);
  for (size_t worker = 0; worker < workers; ++worker) {
    walks.emplace_back(set, bank, rows, none, request->counts, run);
  }
  const RadinStatus status = for_each_block(run, tasks, [&](uint32_t worker, size_t task) {
    walks[worker].subtree(static_cast<uint32_t>(task), depth);
  });
  if (status != RADIN_DONE) return status;
  BestSubsets all = none;
  for (const Walk& walk : walks) all.merge(walk.best());
  all.write(request);
  return RADIN_DONE;
}

}  // namespace radin
