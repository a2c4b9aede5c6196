// The innermost loops of the Gram matrix, for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../kernels.h"

namespace radin {

// Elements that are handled at a time: the differences of 16 models are 17 KB, which stay in the first-level cache.
constexpr size_t kGramChunk = 128;

// Doubles from one model's differences to the next one's: a line more than a chunk, so that the same elements of several
// models do not compete for one set of a cache.
constexpr size_t kGramRow = kGramChunk + 8;

// Sums that a product is kept in, by the element's index in its block modulo this: part of the bits, whatever the width of
// the vectors. Equal to GRAM_LANES in lib/reference-gram.ts.
constexpr size_t kGramLanes = 8;

// The same range of at most kGramChunk elements of every model and, where `reference` says so, of the reference after them.
struct GramChunk {
  RadinDtype dtype;
  size_t elements;
  size_t models;
  bool reference;
  const uint8_t* const* stream;  // of any alignment
};

// A thread's work space begins with the differences, [models][kGramRow]; the rest is the kernels' own. A block's products
// are made by `clear`, for each of its chunks the differences and `multiply` of all rows, and `sums`.
struct GramKernels {
  size_t (*work_bytes)(size_t models);  // a multiple of 64; the work space is aligned to 64
  size_t panel_rows;                    // models of one call of `multiply`, which begins at a multiple of it
  void (*clear)(size_t models, uint8_t* work);
  // Writes the differences of a chunk, and zeros up to a multiple of kGramLanes. Where a weight is not finite, or a
  // difference beyond float32, those of its element are not finite either.
  void (*subtract)(const GramChunk& chunk, uint8_t* work);
  // Adds a chunk's products of the models from `first` on, as many as panel_rows, with all up to themselves.
  void (*multiply)(size_t models, size_t elements, size_t first, uint8_t* work);
  // The block's sums for the pairs (i, j), j <= i, at i (i + 1) / 2 + j.
  void (*sums)(size_t models, const uint8_t* work, double* sums);
};

}  // namespace radin
