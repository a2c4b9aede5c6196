// The innermost loops of scoring all subsets, for each instruction set.
//
// The subsets are the leaves of a tree: each level takes one model in or leaves it out. A node knows, for every row (a class
// left in an undecided sample), the sum over the models taken in so far, and drops what the models still open cannot change:
// rows that no subset below can prefer, samples that every subset below gets wrong. The last six models are not branched on:
// their 64 subsets are scored together, in the lanes of vectors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../kernels.h"

namespace radin {

constexpr size_t kLeafModels = 6;
constexpr size_t kLeafSubsets = size_t{1} << kLeafModels;

// What a row needs at the level that decides one model: its difference, and the largest and smallest sum of those of the
// models that are open afterwards.
struct SubsetRow {
  int32_t difference;
  int32_t highest;
  int32_t lowest;
  int32_t slack;
};

// A row's sums over subsets of the last six models: of the first four of them, and of the other two.
struct LeafRow {
  int32_t low[16];
  int32_t high[4];
  int32_t slack;
  int32_t unused[11];  // fills a second cache line, so that no row straddles three
};

// Rows alive at a node, those of one sample side by side. The first of each sample carries kFirstRow in its index.
struct AliveRows {
  uint32_t* row;
  int32_t* sum;
  int32_t* need;  // preferred rows that make the sample wrong; the same in all rows of a sample
};

constexpr uint32_t kFirstRow = uint32_t{1} << 31;

// A sample for which only the float64 loop can tell some of a leaf's subsets.
struct UncertainSample {
  uint32_t row;      // its first row alive
  uint64_t subsets;  // a bit per subset
};

struct SubsetKernels {
  // From a node to one of its two children. Returns the rows alive there; adds to `wrong` the samples that all its subsets
  // get wrong.
  size_t (*descend)(const SubsetRow* level, const AliveRows& from, size_t count, bool take_in, bool any, AliveRows to,
                    uint64_t* wrong);
  // Adds to `wrong` [64] the samples that each subset gets wrong. Returns how many entries it wrote to `uncertain`, which
  // has room for as many samples as are alive.
  size_t (*leaf)(const LeafRow* rows, const AliveRows& alive, size_t count, bool any, int32_t* wrong,
                 UncertainSample* uncertain);
};

}  // namespace radin
