#pragma once

#include <cstdint>
#include <vector>

#include "kernels/bank_kernels.h"

namespace radin {

// The mixtures as the kernels want them.
struct MixtureLists {
  std::vector<uint32_t> first;
  std::vector<uint16_t> ingredient;
  std::vector<float> coefficient;
  std::vector<uint8_t> uniform;
  std::vector<float> total;

  MixtureLists(const double* coefficients, size_t mixtures, size_t models) {
    first.reserve(mixtures + 1);
    first.push_back(0);
    for (size_t s = 0; s < mixtures; ++s) {
      const double* const row = coefficients + s * models;
      bool is_uniform = true;
      double sum = 0.0;
      for (size_t k = 0; k < models; ++k) {
        if (row[k] == 0.0) continue;
        ingredient.push_back(static_cast<uint16_t>(k));
        coefficient.push_back(static_cast<float>(row[k]));
        is_uniform &= row[k] == 1.0;
        sum += row[k];
      }
      first.push_back(static_cast<uint32_t>(ingredient.size()));
      uniform.push_back(is_uniform);
      total.push_back(static_cast<float>(sum * 1.0001));
    }
  }

  BankMixtures view() const {
    return {first.data(), ingredient.data(), coefficient.data(), uniform.data(), total.data()};
  }
};

}  // namespace radin
