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

// Whether the host has a cryptographic library whose functions addons can call.
bool can_hash();

// SHA-256 (FIPS 180-4) of each source, which is read once, and its first NaN. Threads take sources, the longest first. Needs `can_hash`.
// Throws std::bad_alloc.
RadinStatus sha256(const Sha256Request& request, const RadinRun& run);

}  // namespace radin
