#pragma once

#include <memory>

#include "device_bank.h"

namespace radin {

// Reads the logits once. @throws DeviceError, std::bad_alloc
RadinStatus open_bank_on_device(const RadinLogits& logits, size_t top, const RadinRun& run,
                                std::unique_ptr<DeviceBank>* bank, RadinLogit* not_finite);

}  // namespace radin
