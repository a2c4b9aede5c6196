// A bank of this backend: the host's, which decides what is uncertain, and on the device what kernels see of it.
#pragma once

#include <memory>

#include "../cpu/bank.h"
#include "device.h"

namespace radin {

struct DeviceBank {
  std::unique_ptr<Bank> host;
  DeviceArray<uint32_t> first_slot;
  DeviceArray<int32_t> quantised, bias, slack, need;
  DeviceArray<float> weighted_slack;

  // @throws DeviceError, also where the device's memory is too small for it
  explicit DeviceBank(std::unique_ptr<Bank> bank) : host(std::move(bank)) {
    Stream stream;
    upload(stream, host->first_slot.data(), host->first_slot.size(), &first_slot);
    upload(stream, host->quantised.data(), host->quantised.size(), &quantised);
    upload(stream, host->bias.data(), host->bias.size(), &bias);
    upload(stream, host->slack.data(), host->slack.size(), &slack);
    upload(stream, host->weighted_slack.data(), host->weighted_slack.size(), &weighted_slack);
    upload(stream, host->need.data(), host->need.size(), &need);
  }

  // Pointers into the device's memory.
  BankView view() const {
    return {host->models, host->top, host->groups, first_slot.data(), quantised.data(), bias.data(), slack.data(),
            weighted_slack.data(), need.data()};
  }
};

}  // namespace radin
