#pragma once

#include <cstddef>
#include <cstdint>

#include "../kernels.h"

namespace radin {

// Arrays of bytes, each to be hashed.
struct Sha256Request {
  size_t count;              // n
  const RadinSource* source; // [n]
  const int32_t* dtypes;     // [n], a RadinDtype, or -1 where no element can be NaN
  uint8_t* digests;          // out: [n, 32]
  double* first_nan;         // out: [n], the element that is the first NaN, or -1
};

// Whether this processor has instructions for SHA-256; without them cryptographic libraries are faster than this.
bool has_sha256_instructions();

// SHA-256 (FIPS 180-4) of each source, which is read once, and its first NaN. Threads take sources, the longest first.
RadinStatus sha256(const Sha256Request& request, const RadinRun& run);

}  // namespace radin
