// One output of a block: its groups of elements, from the block's streams as they are or widened.
#pragma once

#include "average_group.h"
#include "average_kernels.h"

namespace radin {

namespace {

constexpr size_t kStreamsAtOnce = 13;
constexpr size_t kPortionBytes = 32 * 1024;
// Where short sums were inexact in two groups one after the other, numbers are large, as they will be in the next ones.
constexpr size_t kWideGroups = 16;
constexpr size_t kPortionSumsBytes = kPortionBytes / 2 * sizeof(double);  // of two-byte elements

constexpr size_t least(size_t a, size_t b) { return a < b ? a : b; }

// One output from the block's streams.
template <class Format>
class Average {
 public:
  static constexpr size_t kElementBytes = Group<Format>::kElementBytes;

  Average(const AverageBlock& block, const AverageRecipe& recipe, uint8_t* output)
      : block_(block), recipe_(recipe), output_(output) {}

  // Elements [begin, end), fewer than a group or not aligned.
  void few(size_t begin, size_t end) {
    constexpr size_t kPackElements = sizeof(Pack) / kElementBytes;
    for (size_t at = begin; at < end; at += kPackElements) {
      const size_t bytes = least(end - at, kPackElements) * kElementBytes;  // what a pack has beyond is 0
      const Pack first = load_some<Pack>(elements(0, at), bytes);
      Pack difference = {};
      Doubles sums[Format::kParts];
      for (Doubles& sum : sums) sum = splat<Doubles>(-0.0);  // what leaves every first product as it is
      for (size_t k = 0; k < recipe_.ingredients; ++k) {
        const Pack pack = load_some<Pack>(elements(k, at), bytes);
        Doubles parts[Format::kParts];
        Format::widen(pack, parts);
        for (int part = 0; part < Format::kParts; ++part) {
          sums[part] += recipe_.weights[k] * parts[part];
        }
        difference |= pack ^ first;
      }
      const Pack result = unless_equal<Format>(rounded<Format, false>(sums, recipe_.divisor, nan_), difference, first);
      __builtin_memcpy(output_ + at * kElementBytes, &result, bytes);
    }
  }

  // Whole groups of elements.
  template <bool kIsMean, bool kPastCaches>
  void groups(size_t begin, size_t end) {
    const size_t passes = (recipe_.ingredients + kStreamsAtOnce - 1) / kStreamsAtOnce;
    const size_t each = (recipe_.ingredients + passes - 1) / passes;
    const size_t portion = passes == 1 ? end - begin : kPortionBytes / kElementBytes;
    for (size_t from = begin; from < end; from += portion) {
      for (size_t k = 0; k < recipe_.ingredients; k += each) {
        pass<kIsMean, kPastCaches>(from, least(from + portion, end), k, least(k + each, recipe_.ingredients));
      }
    }
  }

  // Whole groups of a chunk that begins at `begin`, whose streams stand widened in the block's work space.
  template <bool kIsMean, bool kPastCaches>
  void widened(size_t begin, size_t count) {
    const size_t ingredients = recipe_.ingredients;
    const uint32_t* const rows = recipe_.stream;
    const double* const weights = recipe_.weights;
    const double divisor = recipe_.divisor;
    const uint8_t* const work = block_.work;
    const uint8_t* const first = elements(0, begin);
    const uint8_t* const second = elements(ingredients > 1 ? 1 : 0, begin);
    uint8_t* const output = output_ + begin * kElementBytes;
    auto nan = nan_;
    for (size_t i = 0; i < count; i += kGroup) {
      const size_t byte = i * kElementBytes;
      const auto row = [&](size_t k) { return work + (rows[k] * count + i) * sizeof(double); };
      Group<Format> group;
      group.template start_wide<kIsMean>(row(0), weights[0]);
      for (size_t k = 1; k < ingredients; ++k) group.template add_wide<kIsMean>(row(k), weights[k]);
      if constexpr (kIsMean) {
        group.template finish<true, kPastCaches>(divisor, first + byte, output + byte, nan);
        continue;
      }
      // All ingredients are compared only where the first two have an equal element, which is rare in trained weights.
      if (__builtin_expect(Group<Format>::has_equal(first + byte, second + byte), 0)) {
        for (Longs& difference : group.differences) difference = Longs{};
        for (size_t k = 1; k < ingredients; ++k) group.compare(elements(k, begin) + byte, first + byte);
        group.template finish<false, kPastCaches, true>(divisor, first + byte, output + byte, nan);
      } else {
        group.template finish<false, kPastCaches, false>(divisor, first + byte, output + byte, nan);
      }
    }
    nan_ = nan;
  }

  bool has_nan() const { return any(nan_); }

 private:
  typedef typename Format::Pack Pack;

  const uint8_t* elements(size_t ingredient, size_t at) const {
    return block_.stream[recipe_.stream[ingredient]] + at * kElementBytes;
  }

  // Adds the ingredients [begin_k, end_k) to the sums of the groups of [begin, end), which are in the work space
  // between passes. Everything that the loops need is in locals: a store through a pointer to bytes could change any
  // member.
  template <bool kIsMean, bool kPastCaches>
  void pass(size_t begin, size_t end, size_t begin_k, size_t end_k) {
    const size_t count = end_k - begin_k;
    const uint8_t* streams[kStreamsAtOnce];
    double weights[kStreamsAtOnce];
    for (size_t k = 0; k < count; ++k) {
      streams[k] = elements(begin_k + k, begin);
      weights[k] = recipe_.weights[begin_k + k];
    }
    const uint8_t* const first = elements(0, begin);
    const bool starts = begin_k == 0;
    const bool ends = end_k == recipe_.ingredients;
    const double divisor = recipe_.divisor;
    uint8_t* const sums = block_.work;
    uint8_t* const differences = block_.work + kPortionSumsBytes;
    uint8_t* const output = output_ + begin * kElementBytes;
    auto nan = nan_;
    size_t wide_groups = 0;  // that are still to be added in float64 before short sums are tried again
    bool was_inexact = false;
    for (size_t i = 0; i < end - begin; i += kGroup) {
      const size_t byte = i * kElementBytes;
      Group<Format> group;
      const auto start = [&] {
        if (starts) {
          group.clear();
        } else {
          group.load_from(sums + i * sizeof(double), differences + byte);
        }
      };
      start();
      bool is_added = false;
      if constexpr (kIsMean && Format::kHasShortSums) {
        if (wide_groups == 0) {
          is_added = group.add_short_sums(streams, count, byte);
          if (!is_added) {
            if (was_inexact) wide_groups = kWideGroups;
            start();
          }
          was_inexact = !is_added;
        } else {
          --wide_groups;
        }
      }
      for (size_t k = 0; k < count && !is_added; ++k) {
        group.template add<kIsMean>(streams[k] + byte, weights[k], first + byte);
      }
      if (ends) {
        group.template finish<kIsMean, kPastCaches>(divisor, first + byte, output + byte, nan);
      } else {
        group.store_to(sums + i * sizeof(double), differences + byte);
      }
    }
    nan_ = nan;
  }

  const AverageBlock& block_;
  const AverageRecipe& recipe_;
  uint8_t* const output_;
  typename Format::Nan nan_ = {};
};

template <bool kPastCaches, class Format>
void average_groups(const AverageRecipe& recipe, Average<Format>& average, size_t begin, size_t end) {
  if (Format::kIsNarrow && recipe.is_mean) {
    average.template groups<true, kPastCaches>(begin, end);
  } else {
    average.template groups<false, kPastCaches>(begin, end);
  }
}

}  // namespace

}  // namespace radin
