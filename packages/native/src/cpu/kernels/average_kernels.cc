// Weighted averages of models, block by block: one output, or several in one pass over the models.
//
// Fused: widening, the float64 sum over an output's ingredients in their order, the division, the test whether all
// ingredients are equal bit for bit, and the one rounding. Each model is read from memory once, each output written once,
// past the caches where it is large.
// Never in memory: widened copies of tensors.
// Shapes: streams S x [elements], outputs B x [elements], bytes of any alignment.
//
// One output keeps the sums of a group of elements in registers while it goes through the ingredients, so that up to
// kStreamsAtOnce streams are read side by side, which the hardware's prefetchers follow (13 streams of 32 M float32: 0.93
// of the time of reading the same bytes one after the other and writing the result; 16 streams 1.15, 72 streams 2.8). More
// streams than that are read in portions of kPortionBytes, some after the others, with the sums of a portion in the
// second-level cache between them (72 streams: 1.0).
//
// Several outputs widen a chunk of every stream once, to float64 in the first-level cache, and add it up from there. The
// streams are read one after the other, chunk by chunk, and prefetched by software one chunk ahead: that takes stores, and
// side by side those made the time depend on where the arrays lie (up to 1.8 times as long).

#include "average_kernels.h"

#include "average_group.h"

namespace radin {

namespace {

constexpr size_t kStreamsAtOnce = 13;
constexpr size_t kPortionBytes = 32 * 1024;
constexpr size_t kPortionSumsBytes = kPortionBytes / 2 * sizeof(double);  // of two-byte elements
constexpr size_t kLine = 64;

// Elements of a chunk: the widened ones of all streams are 13 KB for 13 streams.
constexpr size_t chunk_elements(size_t streams) { return streams <= 26 ? 128 : 64; }

size_t work_bytes(size_t streams, size_t outputs) {
  if (outputs > 1) return streams * chunk_elements(streams) * sizeof(double);
  return streams > kStreamsAtOnce ? kPortionSumsBytes + kPortionBytes : 0;
}

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
    for (size_t at = begin; at < end; at += kLanes) {
      const size_t bytes = least(end - at, kLanes) * kElementBytes;
      const Bits first = load_some<Bits>(elements(0, at), bytes);
      Doubles sums = recipe_.weights[0] * Format::widen(first);
      Bits difference = {};
      for (size_t k = 1; k < recipe_.ingredients; ++k) {
        const Bits bits = load_some<Bits>(elements(k, at), bytes);
        sums += recipe_.weights[k] * Format::widen(bits);
        difference |= bits ^ first;
      }
      // The lanes past the end are 0.
      const Bits result = merged<Format>(sums / recipe_.divisor, difference, first, nan_);
      __builtin_memcpy(output_ + at * kElementBytes, &result, bytes);
    }
  }

  // Whole groups of elements from `begin` on; as many streams side by side as `at_once` says.
  template <bool kWeighted, bool kPastCaches>
  void groups(size_t begin, size_t end, size_t at_once) {
    const size_t passes = (recipe_.ingredients + at_once - 1) / at_once;
    const size_t each = (recipe_.ingredients + passes - 1) / passes;
    const size_t portion = passes == 1 ? end - begin : kPortionBytes / kElementBytes;
    for (size_t from = begin; from < end; from += portion) {
      for (size_t k = 0; k < recipe_.ingredients; k += each) {
        pass<kWeighted, kPastCaches>(from, least(from + portion, end), k, least(k + each, recipe_.ingredients));
      }
    }
  }

  // Whole groups of a chunk that begins at `begin`, whose streams stand widened in the block's work space.
  template <bool kWeighted, bool kPastCaches>
  void widened(size_t begin, size_t count) {
    for (size_t i = 0; i < count; i += kGroup) {
      const size_t at = begin + i;
      Group<Format> group;
      for (int j = 0; j < kGroupVectors; ++j) group.sums[j] = product<kWeighted>(recipe_.weights[0], wide(0, count, i, j));
      for (size_t k = 1; k < recipe_.ingredients; ++k) {
        const double weight = recipe_.weights[k];
        for (int j = 0; j < kGroupVectors; ++j) group.sums[j] += product<kWeighted>(weight, wide(k, count, i, j));
      }
      find_differences(group, at);
      group.template finish<kPastCaches>(recipe_.divisor, elements(0, at), output_ + at * kElementBytes, nan_);
    }
  }

  bool has_nan() const { return any(nan_); }

 private:
  typedef typename Format::Bits Bits;

  const uint8_t* elements(size_t ingredient, size_t at) const {
    return block_.stream[recipe_.stream[ingredient]] + at * kElementBytes;
  }

  // Adds the ingredients [k, end_k) to the sums of the groups of [begin, end), which are in the work space between passes.
  template <bool kWeighted, bool kPastCaches>
  void pass(size_t begin, size_t end, size_t k, size_t end_k) {
    for (size_t at = begin; at < end; at += kGroup) {
      const uint8_t* const first = elements(0, at);
      uint8_t* const sums = block_.work + (at - begin) * sizeof(double);
      uint8_t* const differences = block_.work + kPortionSumsBytes + (at - begin) * kElementBytes;
      Group<Format> group;
      if (k == 0) {
        group.template start<kWeighted>(first, recipe_.weights[0]);
      } else {
        group.load_from(sums, differences);
      }
      for (size_t next = k == 0 ? 1 : k; next < end_k; ++next) {
        group.template add<kWeighted>(elements(next, at), recipe_.weights[next], first);
      }
      if (end_k == recipe_.ingredients) {
        group.template finish<kPastCaches>(recipe_.divisor, first, output_ + at * kElementBytes, nan_);
      } else {
        group.store_to(sums, differences);
      }
    }
  }

  Doubles wide(size_t ingredient, size_t count, size_t i, int part) const {
    const size_t row = recipe_.stream[ingredient] * count;
    return load<Doubles>(block_.work + (row + i) * sizeof(double) + static_cast<size_t>(part) * kVectorBytes);
  }

  // Compares all ingredients only where an element of the first two is equal, which is rare in trained weights.
  void find_differences(Group<Format>& group, size_t at) const {
    const uint8_t* const first = elements(0, at);
    const uint8_t* const second = elements(recipe_.ingredients > 1 ? 1 : 0, at);
    typedef typename Format::Elements Elements;
    Longs equal = {};
    for (int j = 0; j < Group<Format>::kDifferences; ++j) {
      equal |= reinterpret_cast<Longs>(load<Elements>(first + j * kVectorBytes) == load<Elements>(second + j * kVectorBytes));
    }
    const bool is_equal = any(equal);
    for (Longs& difference : group.differences) difference = is_equal ? Longs{} : ~Longs{};
    if (!is_equal) return;
    for (size_t k = 1; k < recipe_.ingredients; ++k) group.compare(elements(k, at), first);
  }

  const AverageBlock& block_;
  const AverageRecipe& recipe_;
  uint8_t* const output_;
  typename Format::Nan nan_ = {};
};

template <bool kPastCaches, class Format>
void average_groups(const AverageRecipe& recipe, Average<Format>& average, size_t begin, size_t end, size_t at_once) {
  if (recipe.weighted) {
    average.template groups<true, kPastCaches>(begin, end, at_once);
  } else {
    average.template groups<false, kPastCaches>(begin, end, at_once);
  }
}

// Elements before the first that lies at the begin of a line of all outputs; `kNone` if there is no such element.
constexpr size_t kNone = ~size_t{0};
size_t elements_to_line(const AverageBlock& block, size_t element_bytes) {
  const size_t past = reinterpret_cast<uintptr_t>(block.output[0]) % kLine;
  for (size_t b = 1; b < block.outputs; ++b) {
    if (reinterpret_cast<uintptr_t>(block.output[b]) % kLine != past) return kNone;
  }
  const size_t bytes = (kLine - past) % kLine;
  return bytes % element_bytes == 0 ? least(bytes / element_bytes, block.elements) : kNone;
}

template <class Format, bool kPastCaches>
bool average_one(const AverageBlock& block, size_t begin) {
  const AverageRecipe& recipe = block.recipes[0];
  Average<Format> average(block, recipe, block.output[0]);
  const size_t end = begin + (block.elements - begin) / kGroup * kGroup;
  average.few(0, begin);
  average_groups<kPastCaches>(recipe, average, begin, end, kStreamsAtOnce);
  average.few(end, block.elements);
  return average.has_nan();
}

// Widens a chunk of every stream into the work space, and asks for the next chunk.
template <class Format>
void widen_chunk(const AverageBlock& block, size_t begin, size_t count) {
  constexpr size_t kElementBytes = Group<Format>::kElementBytes;
  for (size_t s = 0; s < block.streams; ++s) {
    const uint8_t* const from = block.stream[s] + begin * kElementBytes;
    uint8_t* const to = block.work + s * count * sizeof(double);
    for (size_t byte = 0; byte < count * kElementBytes; byte += kLine) {
      __builtin_prefetch(from + count * kElementBytes + byte, 0, 2);
    }
    for (size_t i = 0; i < count; i += kLanes) {
      store(to + i * sizeof(double), Format::widen(load<typename Format::Bits>(from + i * kElementBytes)));
    }
  }
}

template <class Format, bool kPastCaches>
bool average_several(const AverageBlock& block, size_t begin) {
  const size_t chunk = chunk_elements(block.streams);
  const size_t chunks_end = begin + (block.elements - begin) / chunk * chunk;
  const size_t groups_end = chunks_end + (block.elements - chunks_end) / kGroup * kGroup;
  bool has_nan = false;
  for (size_t at = begin; at < chunks_end; at += chunk) {
    widen_chunk<Format>(block, at, chunk);
    for (size_t b = 0; b < block.outputs; ++b) {
      Average<Format> average(block, block.recipes[b], block.output[b]);
      if (block.recipes[b].weighted) {
        average.template widened<true, kPastCaches>(at, chunk);
      } else {
        average.template widened<false, kPastCaches>(at, chunk);
      }
      has_nan |= average.has_nan();
    }
  }
  for (size_t b = 0; b < block.outputs; ++b) {
    Average<Format> average(block, block.recipes[b], block.output[b]);
    average.few(0, begin);
    average_groups<false>(block.recipes[b], average, chunks_end, groups_end, block.recipes[b].ingredients);
    average.few(groups_end, block.elements);
    has_nan |= average.has_nan();
  }
  return has_nan;
}

template <class Format>
bool average_block(const AverageBlock& block) {
  const size_t begin = block.past_caches ? elements_to_line(block, Group<Format>::kElementBytes) : kNone;
  if (begin == kNone) return block.outputs == 1 ? average_one<Format, false>(block, 0) : average_several<Format, false>(block, 0);
  const bool has_nan =
      block.outputs == 1 ? average_one<Format, true>(block, begin) : average_several<Format, true>(block, begin);
  finish_streaming();
  return has_nan;
}

bool average_block_of_any(const AverageBlock& block) {
  switch (block.dtype) {
    case RADIN_F16: return average_block<Float16Lanes>(block);
    case RADIN_BF16: return average_block<Bfloat16Lanes>(block);
    case RADIN_F32: return average_block<Float32Lanes>(block);
    case RADIN_F64: return average_block<Float64Lanes>(block);
  }
  return false;
}

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const AverageKernels kAverageKernels;
const AverageKernels kAverageKernels = {work_bytes, average_block_of_any};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
