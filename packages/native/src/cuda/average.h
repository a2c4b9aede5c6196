#pragma once

#include "../kernels.h"

namespace radin {

// @throws DeviceError, std::bad_alloc
RadinStatus average_on_device(const RadinAverage& request, const RadinRun& run);

}  // namespace radin
