// Weighted averages of models, block by block: one output, or several in one pass over the models.
//
// Fused: widening, the float64 sum over an output's ingredients in their order, the division, the test whether all
// ingredients are equal bit for bit, and the one rounding. Each model is read from memory once, each output written
// once, past the caches where it is large.
// Never in memory: widened copies of tensors.
// Shapes: streams S x [elements], outputs B x [elements], bytes of any alignment.
//
// One output keeps the sums of a group of elements in registers while it goes through the ingredients, so that up to
// kStreamsAtOnce streams are read side by side, which the hardware's prefetchers follow (13 streams of 32 M float32
// take 0.9 of the time of reading the same bytes one after the other and writing the result; side by side, 16 streams
// took 1.15 and 72 streams 2.7). More streams than that are read in portions of kPortionBytes, some after the others,
// with the sums of a portion in the second-level cache between them (72 streams: 1.15).
//
// Means of K models need no test whether ingredients are equal: sums of equal numbers are exact, and so are their
// quotients. Those are taken by a reciprocal with an exact correction, and of float16 four at a time are added in
// float32 where that is exact (short_sums.h), which takes a tenth off the time of 13 large models. A block with a
// quotient that is NaN is done again, element by element.
//
// Several outputs widen a chunk of every stream once, to float64 in the first-level cache, and add it up from there.
// The streams are read one after the other, chunk by chunk, and prefetched by software one chunk ahead: that takes
// stores, and side by side those made the time depend on where the arrays lie (up to 1.8 times as long).

#include "average_kernels.h"

#include "average_output.h"

namespace radin {

namespace {

constexpr size_t kLine = 64;

// Elements of a chunk: the widened ones of all streams are 13 KB for 13 streams.
constexpr size_t chunk_elements(size_t streams) { return streams <= 26 ? 128 : 64; }

size_t work_bytes(size_t streams, size_t outputs) {
  const size_t sums = streams > kStreamsAtOnce ? kPortionSumsBytes + kPortionBytes : 0;
  const size_t widened = outputs > 1 ? streams * chunk_elements(streams) * sizeof(double) : 0;
  return sums > widened ? sums : widened;
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
      if (Format::kIsNarrow && block.recipes[b].is_mean) {
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
bool average_finite(const AverageBlock& block) {
  const size_t begin = block.past_caches ? elements_to_line(block, Group<Format>::kElementBytes) : kNone;
  if (begin == kNone) {
    return block.outputs == 1 ? average_one<Format, false>(block, 0) : average_several<Format, false>(block, 0);
  }
  const bool has_nan =
      block.outputs == 1 ? average_one<Format, true>(block, begin) : average_several<Format, true>(block, begin);
  finish_streaming();
  return has_nan;
}

template <class Format>
bool average_block(const AverageBlock& block) {
  if (!average_finite<Format>(block)) return false;
  // Means of infinite numbers are not NaN, and NaN that all ingredients share has bits to keep.
  bool has_nan = false;
  for (size_t b = 0; b < block.outputs; ++b) {
    Average<Format> average(block, block.recipes[b], block.output[b]);
    average.few(0, block.elements);
    has_nan |= average.has_nan();
  }
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
