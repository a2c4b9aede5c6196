// Scoring all subsets: the step from a node to a child, and the 64 subsets of a leaf. See subset_kernels.h.
//
// Never in memory: a subset's sums. A step reads 24 bytes and writes 12 of each row alive; a leaf reads two cache lines of
// each. The step is written without branches on the data, which no predictor could guess: its two outcomes, keeping a row
// and dropping it, differ in how far an index moves.

#include "subset_kernels.h"

#include "simd.h"

namespace radin {
namespace {

// `kAny`: one preferred row makes a sample wrong (top-1). Else each sample needs a number of them, which its certain rows
// count towards.
template <bool kAny>
size_t descend_for(const SubsetRow* level, const AliveRows& from, size_t count, int32_t taken, AliveRows to,
                   uint64_t* wrong) {
  size_t out = 0;
  size_t first = 0;       // where the current sample's rows begin in `to`
  uint64_t decided = 0;   // samples that are wrong throughout
  int32_t certain = 0;    // rows of the current sample that are preferred throughout
  int32_t need = 1;
  // Not for kAny, which does the same without a branch, in the loop.
  const auto end_counted_sample = [&] {
    const int32_t open = need - certain;
    const int32_t left = static_cast<int32_t>(out - first);
    if (open <= 0) ++decided;
    if (open <= 0 || left < open) out = first;
    for (size_t i = first; i < out; ++i) to.need[i] = open;
  };
  for (size_t i = 0; i < count; ++i) {
    const bool is_first = (from.row[i] & kFirstRow) != 0;
    const uint32_t row = from.row[i] & ~kFirstRow;
    if (kAny) {
      const bool drop = is_first & (certain != 0);
      out = drop ? first : out;
      decided += drop;
      certain = is_first ? 0 : certain;
      first = is_first ? out : first;
    } else if (is_first) {
      if (i > 0) end_counted_sample();
      certain = 0;
      first = out;
      need = from.need[i];
    }
    const SubsetRow& step = level[row];
    const int32_t sum = from.sum[i] + (step.difference & taken);
    const bool is_certain = sum + step.lowest > step.slack;
    const bool is_possible = sum + step.highest > -step.slack;
    if (kAny) certain |= is_certain;
    else certain += is_certain;
    to.row[out] = row | (out == first ? kFirstRow : 0);
    to.sum[out] = sum;
    // A certain row has done its part; for top-1 its whole sample goes.
    out += kAny ? is_possible : is_possible & !is_certain;
  }
  if (kAny) {
    out = certain ? first : out;
    decided += static_cast<uint64_t>(certain);
  } else if (count > 0) {
    end_counted_sample();
  }
  *wrong += decided;
  return out;
}

size_t descend(const SubsetRow* level, const AliveRows& from, size_t count, bool take_in, bool any, AliveRows to,
               uint64_t* wrong) {
  const int32_t taken = take_in ? -1 : 0;
  return any ? descend_for<true>(level, from, count, taken, to, wrong)
             : descend_for<false>(level, from, count, taken, to, wrong);
}

template <bool kAny>
size_t leaf_for(const LeafRow* rows, const AliveRows& alive, size_t count, int32_t* wrong, UncertainSample* uncertain) {
  constexpr size_t kQuarters = kLeafSubsets / kGroup;
  Ints totals[kQuarters][kParts];
  for (size_t quarter = 0; quarter < kQuarters; ++quarter) {
    for (size_t part = 0; part < kParts; ++part) {
      totals[quarter][part] = load<Ints>(wrong + quarter * kGroup + part * kLanes);
    }
  }
  size_t uncertain_count = 0;
  size_t end = 0;
  for (size_t begin = 0; begin < count; begin = end) {
    end = begin + 1;
    while (end < count && (alive.row[end] & kFirstRow) == 0) ++end;
    const Ints need = broadcast(kAny ? 1 : alive.need[begin]);
    uint64_t open = 0;
    for (size_t quarter = 0; quarter < kQuarters; ++quarter) {
      Ints certain[kParts] = {};
      Ints possible[kParts] = {};
      for (size_t i = begin; i < end; ++i) {
        const LeafRow& row = rows[alive.row[i] & ~kFirstRow];
        const Ints sum = broadcast(alive.sum[i] + row.high[quarter]);
        const Ints above = broadcast(row.slack);
        const Ints below = broadcast(-row.slack);
        for (size_t part = 0; part < kParts; ++part) {
          const Ints total = sum + load<Ints>(row.low + part * kLanes);
          if (kAny) {
            certain[part] |= total > above;
            possible[part] |= total > below;
          } else {
            certain[part] -= total > above;
            possible[part] -= total > below;
          }
        }
      }
      for (size_t part = 0; part < kParts; ++part) {
        const Ints is_certain = kAny ? certain[part] : certain[part] >= need;
        const Ints is_possible = kAny ? possible[part] : possible[part] >= need;
        totals[quarter][part] -= is_certain;
        open |= static_cast<uint64_t>(lane_bits(is_possible & ~is_certain)) << (quarter * kGroup + part * kLanes);
      }
    }
    uncertain[uncertain_count] = {alive.row[begin] & ~kFirstRow, open};
    uncertain_count += open != 0;
  }
  for (size_t quarter = 0; quarter < kQuarters; ++quarter) {
    for (size_t part = 0; part < kParts; ++part) {
      store(wrong + quarter * kGroup + part * kLanes, totals[quarter][part]);
    }
  }
  return uncertain_count;
}

size_t leaf(const LeafRow* rows, const AliveRows& alive, size_t count, bool any, int32_t* wrong,
            UncertainSample* uncertain) {
  return any ? leaf_for<true>(rows, alive, count, wrong, uncertain)
             : leaf_for<false>(rows, alive, count, wrong, uncertain);
}

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const SubsetKernels kSubsetKernels;
const SubsetKernels kSubsetKernels = {descend, leaf};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
