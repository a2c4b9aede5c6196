#include "cross_entropy_plan.h"

#include <algorithm>
#include <utility>

namespace radin {

MixturePlan::MixturePlan(const double* coefficients, size_t count, size_t models)
    : coefficients_(coefficients), models_(models) {
  // children[slot * kGroupModels + i]: the slot of `slot` plus model i of its group, 0 where there is none yet.
  std::vector<std::vector<uint32_t>> children(models, std::vector<uint32_t>(kGroupModels, 0));
  std::vector<Terms> all;
  all.reserve(count);
  for (size_t row = 0; row < count; ++row) all.push_back(terms_of(row, children));

  // Mixtures with as many terms come together, so that the loop over terms is predicted.
  std::stable_sort(all.begin(), all.end(), [](const Terms& a, const Terms& b) {
    return std::make_pair(!a.is_uniform, a.slots.size()) < std::make_pair(!b.is_uniform, b.slots.size());
  });
  for (const Terms& terms : all) {
    mixtures_.push_back(
        {static_cast<uint32_t>(slots_.size()), static_cast<uint32_t>(terms.slots.size()), terms.scale});
    slots_.insert(slots_.end(), terms.slots.begin(), terms.slots.end());
    term_coefficients_.insert(term_coefficients_.end(), terms.coefficients.begin(), terms.coefficients.end());
    order_.push_back(terms.row);
    uniform_ += terms.is_uniform;
  }
}

MixturePlan::Terms MixturePlan::terms_of(size_t row, std::vector<std::vector<uint32_t>>& children) {
  const double* const a = coefficients_ + row * models_;
  std::vector<uint32_t> ingredients;
  for (size_t k = 0; k < models_; ++k) {
    if (a[k] != 0.0) ingredients.push_back(static_cast<uint32_t>(k));
  }
  const bool is_uniform =
      std::all_of(ingredients.begin(), ingredients.end(), [&](uint32_t k) { return a[k] == a[ingredients[0]]; });
  Terms terms{{}, {}, 0.0f, is_uniform, row};
  if (!is_uniform) {
    terms.slots = ingredients;
    for (const uint32_t k : ingredients) terms.coefficients.push_back(static_cast<float>(a[k] * kLog2OfE));
    return terms;
  }
  terms.scale = static_cast<float>(a[ingredients[0]] * kLog2OfE);
  for (size_t i = 0; i < ingredients.size();) {
    const size_t group = ingredients[i] / kGroupModels;
    uint32_t slot = ingredients[i];
    for (++i; i < ingredients.size() && ingredients[i] / kGroupModels == group; ++i) {
      uint32_t child = children[slot][ingredients[i] % kGroupModels];
      if (child == 0) {
        child = static_cast<uint32_t>(slots());
        shares_.push_back({slot, ingredients[i]});
        children[slot][ingredients[i] % kGroupModels] = child;
        children.emplace_back(kGroupModels, 0);
      }
      slot = child;
    }
    terms.slots.push_back(slot);
  }
  terms.coefficients.assign(terms.slots.size(), 1.0f);
  return terms;
}

CrossEntropyPlan MixturePlan::view() const {
  return {models_,  shares_.size(),   shares_.data(), mixtures_.size(),
          uniform_, mixtures_.data(), slots_.data(),  term_coefficients_.data()};
}

}  // namespace radin
