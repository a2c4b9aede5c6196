#pragma once

#include "../kernels.h"

namespace radin {

// May throw std::bad_alloc before any work has started.
RadinStatus score(const RadinScore& request, const RadinRun& run);

}  // namespace radin
