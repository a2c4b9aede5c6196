// The weighted average of K ingredients, tensor by tensor, in one pass.
//
// Fused: widening, the float64 sum over K ingredients in their order, the division, the test whether all ingredients are
// equal bit for bit, and the one rounding. Each ingredient is read once and the output written once.
// Never in memory: widened copies of tensors, float64 sums of more than one tile.
// Shapes: ingredients K x [elements] bytes of any alignment, output [elements].
// Memory: a tile's sums and difference bits on the stack, 12 to 16 KB, which stay in the first-level cache while the K
// streams pass through it.
// Threads take blocks numbered through all tensors, so many small tensors and one large one divide equally well.

#include "average.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "float_formats.h"
#include "fork_join.h"

namespace radin {

namespace {

constexpr size_t kTile = 1024;
// What a thread takes at a time: long enough for the hardware prefetcher, short enough (K x 16 tiles, well under a
// millisecond for tens of ingredients) to notice a cancelled call in time.
constexpr size_t kBlock = 16 * kTile;

template <class Bits>
inline Bits load(const uint8_t* bytes, size_t element) {
  Bits bits;
  std::memcpy(&bits, bytes + element * sizeof bits, sizeof bits);
  return bits;
}

template <class Format>
void average_tile(const RadinAverage& request, const RadinTensor& tensor, size_t begin, size_t count) {
  using Bits = typename Format::Bits;
  double sums[kTile];
  Bits differences[kTile];  // 0 where all ingredients seen so far are equal

  const uint8_t* const first = tensor.ingredients[0] + begin * sizeof(Bits);
  const double first_weight = request.weights[0];
  for (size_t i = 0; i < count; ++i) {
    sums[i] = first_weight * Format::widen(load<Bits>(first, i));
    differences[i] = 0;
  }
  for (size_t k = 1; k < request.ingredients; ++k) {
    const uint8_t* const ingredient = tensor.ingredients[k] + begin * sizeof(Bits);
    const double weight = request.weights[k];
    for (size_t i = 0; i < count; ++i) {
      const Bits bits = load<Bits>(ingredient, i);
      sums[i] += weight * Format::widen(bits);
      differences[i] = static_cast<Bits>(differences[i] | (bits ^ load<Bits>(first, i)));
    }
  }
  uint8_t* const output = tensor.output + begin * sizeof(Bits);
  for (size_t i = 0; i < count; ++i) {
    const Bits rounded = Format::round(sums[i] / request.divisor);
    const Bits bits = differences[i] == 0 ? load<Bits>(first, i) : rounded;
    std::memcpy(output + i * sizeof bits, &bits, sizeof bits);
  }
}

template <class Format>
void average_block(const RadinAverage& request, const RadinTensor& tensor, size_t begin, size_t end) {
  for (size_t tile = begin; tile < end; tile += kTile) {
    average_tile<Format>(request, tensor, tile, std::min(kTile, end - tile));
  }
}

void average_block_of_any(const RadinAverage& request, const RadinTensor& tensor, size_t begin, size_t end) {
  switch (tensor.dtype) {
    case RADIN_F16: return average_block<Float16>(request, tensor, begin, end);
    case RADIN_BF16: return average_block<Bfloat16>(request, tensor, begin, end);
    case RADIN_F32: return average_block<Float32>(request, tensor, begin, end);
    case RADIN_F64: return average_block<Float64>(request, tensor, begin, end);
  }
}

}  // namespace

RadinStatus average(const RadinAverage& request, const RadinRun& run) {
  std::vector<size_t> first_block(request.tensors + 1, 0);  // of each tensor; the last entry is the number of blocks
  for (size_t t = 0; t < request.tensors; ++t) {
    first_block[t + 1] = first_block[t] + (request.tensor[t].elements + kBlock - 1) / kBlock;
  }
  return for_each_block(run, first_block.back(), [&](uint32_t, size_t block) {
    const auto after = std::upper_bound(first_block.begin(), first_block.end(), block);
    const size_t t = static_cast<size_t>(after - first_block.begin()) - 1;
    const RadinTensor& tensor = request.tensor[t];
    const size_t begin = (block - first_block[t]) * kBlock;
    average_block_of_any(request, tensor, begin, std::min(begin + kBlock, tensor.elements));
  });
}

}  // namespace radin
