// Element types as JavaScript names them: the codes of DTYPE_CODES in lib/addon.ts.
#pragma once

#include "../cpu/dtype_bytes.h"
#include "arguments.h"

namespace radin {

// @throws ArgumentError
inline RadinDtype dtype_of(int32_t code) {
  if (code < RADIN_F16 || code > RADIN_F64) throw ArgumentError{"Expected a known code for dtypes"};
  return static_cast<RadinDtype>(code);
}

}  // namespace radin
