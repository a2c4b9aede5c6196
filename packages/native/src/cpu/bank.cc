#include "bank.h"

#include "../exact/rules.h"

namespace radin {

bool Bank::is_wrong(size_t group, size_t lane, const double* coefficients) const {
  const float* const label = label_logits.data() + (group * kBankLanes + lane) * models;
  const int32_t needed = need[group * kBankLanes + lane];
  int32_t preferred = 0;
  for (size_t slot = first_slot[group]; slot < first_slot[group + 1]; ++slot) {
    if (bias[slot * kBankLanes + lane] == kNoClass) break;
    const float* const other = class_logits.data() + (slot * kBankLanes + lane) * models;
    preferred += is_preferred(models, coefficients, other, label, (wins_ties[slot] >> lane & 1) != 0);
  }
  return preferred >= needed;
}

uint32_t Bank::wrong_lanes(size_t group, uint16_t wrong, uint16_t uncertain, const double* coefficients) const {
  uint32_t lanes = wrong;
  for (uint32_t open = uncertain; open != 0; open &= open - 1) {
    const size_t lane = static_cast<size_t>(__builtin_ctz(open));
    if (is_wrong(group, lane, coefficients)) lanes |= 1u << lane;
  }
  return lanes;
}

}  // namespace radin
