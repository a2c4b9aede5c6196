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
  const size_t sums = streams > kStreamsAtOnce ? kPortionSumsBytes + kPortionBytes : 0;
  const size_t widened = outputs > 1 ? streams * chunk_elements(streams) * sizeof(double) : 0;
  return sums > widened ? sums : widened;
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
      const Pack result = unless_equal<Format>(rounded<Format>(sums, recipe_.divisor, nan_), difference, first);
      __builtin_memcpy(output_ + at * kElementBytes, &result, bytes);
    }
  }

  // Whole groups of elements.
  template <bool kWeighted, bool kPastCaches>
  void groups(size_t begin, size_t end) {
    const size_t passes = (recipe_.ingredients + kStreamsAtOnce - 1) / kStreamsAtOnce;
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
      group.template start_wide<kWeighted>(row(0), weights[0]);
      for (size_t k = 1; k < ingredients; ++k) group.template add_wide<kWeighted>(row(k), weights[k]);
      // All ingredients are compared only where the first two have an equal element, which is rare in trained weights.
      if (__builtin_expect(Group<Format>::has_equal(first + byte, second + byte), 0)) {
        for (Longs& difference : group.differences) difference = Longs{};
        for (size_t k = 1; k < ingredients; ++k) group.compare(elements(k, begin) + byte, first + byte);
        group.template finish<kPastCaches, true>(divisor, first + byte, output + byte, nan);
      } else {
        group.template finish<kPastCaches, false>(divisor, first + byte, output + byte, nan);
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

  // Adds the ingredients [begin_k, end_k) to the sums of the groups of [begin, end), which are in the work space between
  // passes. Everything that the loops need is in locals: a store through a pointer to bytes could change any member.
  template <bool kWeighted, bool kPastCaches>
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
    for (size_t i = 0; i < end - begin; i += kGroup) {
      const size_t byte = i * kElementBytes;
      Group<Format> group;
      if (starts) {
        group.template start<kWeighted>(first + byte, weights[0]);
      } else {
        group.load_from(sums + i * sizeof(double), differences + byte);
      }
      for (size_t k = starts ? 1 : 0; k < count; ++k) {
        group.template add<kWeighted>(streams[k] + byte, weights[k], first + byte);
      }
      if (ends) {
        group.template finish<kPastCaches, true>(divisor, first + byte, output + byte, nan);
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
  if (recipe.weighted) {
    average.template groups<true, kPastCaches>(begin, end);
  } else {
    average.template groups<false, kPastCaches>(begin, end);
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
  average_groups<kPastCaches>(recipe, average, begin, end);
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
    constexpr size_t kPackElements = sizeof(typename Format::Pack) / kElementBytes;
    for (size_t i = 0; i < count; i += kPackElements) {
      Doubles parts[Format::kParts];
      Format::widen(load<typename Format::Pack>(from + i * kElementBytes), parts);
      for (int part = 0; part < Format::kParts; ++part) {
        store(to + i * sizeof(double) + static_cast<size_t>(part) * kVectorBytes, parts[part]);
      }
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
    average_groups<false>(block.recipes[b], average, chunks_end, groups_end);
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
