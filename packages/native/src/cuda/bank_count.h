#pragma once

#include "device_bank.h"

namespace radin {

// As count_correct of cpu/bank_count.h. @throws DeviceError, std::bad_alloc
RadinStatus count_correct_on_device(const DeviceBank& bank, const double* coefficients, size_t mixtures, double* counts,
                                    const RadinRun& run);

}  // namespace radin
