// The weighted average of K ingredients, tensor by tensor, in one pass.
//
// Fused: widening, the float64 sum over K ingredients in their order, the division, the test whether all ingredients are
// equal bit for bit, and the one rounding. Each ingredient is read once and the output written once.
// Never in memory: widened copies of tensors, float64 sums of more than one tile.
// Shapes: ingredients K x [elements] bytes of any alignment, output [elements].
// Memory: a tile's sums and difference bits on the stack, 12 to 16 KB, which stay in the first-level cache while the K
// streams pass through it.

#include "average_kernels.h"

#include <cstring>

#include "../float_formats.h"
#include "instruction_set.h"

namespace radin {

namespace {

constexpr size_t kTile = 1024;

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
    average_tile<Format>(request, tensor, tile, end - tile < kTile ? end - tile : kTile);
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

namespace RADIN_INSTRUCTION_SET {
extern const AverageKernels kAverageKernels;
const AverageKernels kAverageKernels = {average_block_of_any};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
