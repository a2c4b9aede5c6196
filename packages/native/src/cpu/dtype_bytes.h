#pragma once

#include <cstddef>

#include "../kernels.h"

namespace radin {

// Bytes of an element.
constexpr size_t bytes_of(RadinDtype dtype) { return dtype == RADIN_F64 ? 8 : dtype == RADIN_F32 ? 4 : 2; }

}  // namespace radin
