#pragma once

#include "device_bank.h"

namespace radin {

// As score_all_subsets of cpu/all_subsets.h. @throws DeviceError, std::bad_alloc
RadinStatus score_all_subsets_on_device(const DeviceBank& bank, RadinAllSubsets* request, const RadinRun& run);

}  // namespace radin
