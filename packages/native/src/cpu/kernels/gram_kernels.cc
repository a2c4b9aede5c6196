// Inner products of all pairs of models' differences from a reference, block by block.
//
// Fused: widening, the mean of all models where that is the reference, the difference, its rounding to float32, and the
// products and sums in float64.
// Never in memory: differences of more than a chunk of kGramChunk elements.
// Shapes: streams N x [elements], bytes of any alignment; sums [N (N + 1) / 2].
// Memory: N rows of differences and a square tile of kTile x kTile pairs, each of kGramLanes sums, for every two groups of
// kTile models: 17 and 10 KB for 16 models, 78 and 175 KB for 72 with tiles of 4.
//
// Up to some 16 models the conversions take most of the time. One thread of an AMD EPYC takes 13 models of 8 M float32 from
// memory in 68 ms (AVX-512) and 79 ms (AVX2), where reading them takes 21 ms, and from cached files in 87 and 97 ms, where
// an average takes 45; 72 models of 2 M from memory take 280 and 290 ms.
//
// A pair's sums are over the elements of one index modulo kGramLanes, in their order, whatever the registers are: wide ones
// hold all of them, narrow ones a part, for which a tile is gone through again. The product of two float32 numbers is exact
// in float64, so a fused multiply-add rounds as a product and a sum do, and is taken where there is one. A tile reads
// 2 kTile vectors for kTile^2 of them.

#include "gram_kernels.h"

#include "float_lanes.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace radin {

namespace {

// Pairs of models whose sums are in registers together, beside the models' vectors and a product.
constexpr size_t kTile = kRegisters == 32 ? 4 : 3;
constexpr size_t kPairs = kTile * kTile;
constexpr size_t kTileBytes = kPairs * kGramLanes * sizeof(double);

// Groups of models whose differences stay in the first-level cache while they are multiplied with all others.
constexpr size_t kPanelTiles = 4;

constexpr size_t kVectors = kGramLanes / kLanes;  // of one pair's sums
constexpr size_t kLine = 64;

size_t tiles_of(size_t models) { return (models + kTile - 1) / kTile; }

// The tile of groups (I, J), J <= I.
size_t tile_index(size_t row, size_t column) { return row * (row + 1) / 2 + column; }

size_t rows_bytes(size_t models) { return models * kGramRow * sizeof(double); }

size_t work_bytes(size_t models) {
  return rows_bytes(models) + tile_index(tiles_of(models), 0) * kTileBytes;
}

double* row_of(uint8_t* work, size_t model) { return reinterpret_cast<double*>(work) + model * kGramRow; }

void clear(size_t models, uint8_t* work) {
  __builtin_memset(work + rows_bytes(models), 0, work_bytes(models) - rows_bytes(models));
}

struct Wide64 {
  static constexpr size_t kBytes = 8;
  typedef Doubles Pack;
  static RADIN_INLINE Doubles widen(Pack pack) { return pack; }
};

struct Wide32 {
  static constexpr size_t kBytes = 4;
  typedef Floats Pack;
  static RADIN_INLINE Doubles widen(Pack pack) { return to_doubles(pack); }
};

struct WideBfloat16 {
  static constexpr size_t kBytes = 2;
  typedef Shorts Pack;
  static RADIN_INLINE Doubles widen(Pack pack) { return to_doubles(reinterpret_cast<Floats>(to_words(pack) << 16)); }
};

struct WideFloat16 {
  static constexpr size_t kBytes = 2;
  typedef Shorts Pack;
  static RADIN_INLINE Doubles widen(Pack pack) {
    Doubles wide;
    Float16Lanes::widen(pack, &wide);
    return wide;
  }
};

// Elements of a strip, through which all models are gone twice: its sums are in registers, its lines in the first-level cache.
constexpr size_t kStrip = kGramLanes * (kVectorBytes == 64 ? 4 : 2);
constexpr size_t kStripVectors = kStrip / kLanes;

// A vector of the elements from `at` on; zeros follow the last element.
template <class Format>
RADIN_INLINE Doubles widened(const uint8_t* from, size_t at, size_t elements) {
  typedef typename Format::Pack Pack;
  if (__builtin_expect(at + kLanes <= elements, 1)) return Format::widen(load<Pack>(from + at * Format::kBytes));
  if (at >= elements) return Doubles{};
  return Format::widen(load_some<Pack>(from + at * Format::kBytes, (elements - at) * Format::kBytes));
}

template <class Format>
RADIN_INLINE void subtract_strip(const GramChunk& chunk, size_t begin, size_t elements, uint8_t* work) {
  Doubles reference[kStripVectors] = {};
  const size_t first = chunk.reference ? chunk.models : 0;
  const size_t end = chunk.reference ? first + 1 : chunk.models;
  for (size_t s = first; s < end; ++s) {
    const uint8_t* const from = chunk.stream[s];
    for (size_t byte = 0; byte < kStrip * Format::kBytes; byte += kLine) {
      __builtin_prefetch(from + (begin + kGramChunk) * Format::kBytes + byte, 0, 3);
    }
    for (size_t v = 0; v < kStripVectors; ++v) reference[v] += widened<Format>(from, begin + v * kLanes, elements);
  }
  if (!chunk.reference) {
    const double count = static_cast<double>(chunk.models);
    for (size_t v = 0; v < kStripVectors; ++v) reference[v] /= count;
  }
  for (size_t k = 0; k < chunk.models; ++k) {
    double* const row = row_of(work, k) + begin;
    for (size_t v = 0; v < kStripVectors; ++v) {
      const Doubles value = widened<Format>(chunk.stream[k], begin + v * kLanes, elements);
      store(row + v * kLanes, to_doubles(to_floats(value - reference[v])));
    }
  }
}

template <class Format>
void subtract(const GramChunk& chunk, uint8_t* work) {
  const size_t whole = chunk.elements / kStrip * kStrip;
  for (size_t at = 0; at < whole; at += kStrip) subtract_strip<Format>(chunk, at, ~size_t{0}, work);
  if (whole < chunk.elements) subtract_strip<Format>(chunk, whole, chunk.elements, work);
}

void subtract_any(const GramChunk& chunk, uint8_t* work) {
  switch (chunk.dtype) {
    case RADIN_F16: return subtract<WideFloat16>(chunk, work);
    case RADIN_BF16: return subtract<WideBfloat16>(chunk, work);
    case RADIN_F32: return subtract<Wide32>(chunk, work);
    case RADIN_F64: return subtract<Wide64>(chunk, work);
  }
}

// a b + sum, of which a b is exact.
RADIN_INLINE Doubles add_product(Doubles a, Doubles b, Doubles sum) {
#if defined(__AVX512F__)
  return reinterpret_cast<Doubles>(_mm512_fmadd_pd(reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b),
                                                   reinterpret_cast<__m512d>(sum)));
#elif defined(__FMA__)
  return reinterpret_cast<Doubles>(_mm256_fmadd_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b),
                                                   reinterpret_cast<__m256d>(sum)));
#elif defined(__aarch64__)
  return reinterpret_cast<Doubles>(vfmaq_f64(reinterpret_cast<float64x2_t>(sum), reinterpret_cast<float64x2_t>(a),
                                             reinterpret_cast<float64x2_t>(b)));
#else
  return a * b + sum;
#endif
}

// The products of kRows models with a whole tile's, or with themselves and those before them.
template <size_t kRows, bool kWithSelf>
void multiply_tile(const double* rows, const double* columns, size_t elements, uint8_t* tile) {
  constexpr size_t kColumns = kWithSelf ? kRows : kTile;
  const auto is_pair = [](size_t r, size_t c) { return !kWithSelf || c <= r; };
  for (size_t part = 0; part < kVectors; ++part) {
    uint8_t* const at = tile + part * kVectorBytes;
    constexpr size_t kPairBytes = kGramLanes * sizeof(double);
    Doubles sums[kRows][kColumns];
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t c = 0; c < kColumns; ++c) {
        if (is_pair(r, c)) sums[r][c] = load<Doubles>(at + (r * kTile + c) * kPairBytes);
      }
    }
    for (size_t i = part * kLanes; i < elements; i += kGramLanes) {
      Doubles row[kRows];
      for (size_t r = 0; r < kRows; ++r) row[r] = load<Doubles>(rows + r * kGramRow + i);
      for (size_t c = 0; c < kColumns; ++c) {
        const Doubles column = kWithSelf ? row[c] : load<Doubles>(columns + c * kGramRow + i);
        for (size_t r = 0; r < kRows; ++r) {
          if (is_pair(r, c)) sums[r][c] = add_product(row[r], column, sums[r][c]);
        }
      }
    }
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t c = 0; c < kColumns; ++c) {
        if (is_pair(r, c)) store(at + (r * kTile + c) * kPairBytes, sums[r][c]);
      }
    }
  }
}

typedef void (*MultiplyTile)(const double* rows, const double* columns, size_t elements, uint8_t* tile);

template <bool kWithSelf>
MultiplyTile multiply_tile_of(size_t rows) {
  static_assert(kTile <= 4, "a case for each number of rows");
  switch (rows) {
    case 1: return multiply_tile<1, kWithSelf>;
    case 2: return multiply_tile<2, kWithSelf>;
    case 3: return multiply_tile<3, kWithSelf>;
    default: return multiply_tile<kTile, kWithSelf>;
  }
}

void multiply(size_t models, size_t elements, size_t first, uint8_t* work) {
  uint8_t* const tiles = work + rows_bytes(models);
  const size_t begin = first / kTile;
  const size_t end = begin + kPanelTiles < tiles_of(models) ? begin + kPanelTiles : tiles_of(models);
  for (size_t column = 0; column < end; ++column) {
    for (size_t row = column > begin ? column : begin; row < end; ++row) {
      const size_t rows = models - row * kTile;
      const MultiplyTile multiply_one = row == column ? multiply_tile_of<true>(rows) : multiply_tile_of<false>(rows);
      multiply_one(row_of(work, row * kTile), row_of(work, column * kTile), elements,
                   tiles + tile_index(row, column) * kTileBytes);
    }
  }
}

void sums(size_t models, const uint8_t* work, double* sums) {
  const uint8_t* const tiles = work + rows_bytes(models);
  for (size_t i = 0; i < models; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const size_t pair = i % kTile * kTile + j % kTile;
      const uint8_t* const tile = tiles + tile_index(i / kTile, j / kTile) * kTileBytes;
      double lane[kGramLanes];
      __builtin_memcpy(lane, tile + pair * sizeof lane, sizeof lane);
      *sums++ = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
    }
  }
}

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const GramKernels kGramKernels;
const GramKernels kGramKernels = {work_bytes, kPanelTiles * kTile, clear, subtract_any, multiply, sums};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
