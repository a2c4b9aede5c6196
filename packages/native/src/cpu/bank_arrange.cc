#include "bank_arrange.h"

#include <algorithm>

#include "../exact/rules.h"

namespace radin {

void arrange(const std::vector<Leftover>& leftovers, Bank* bank) {
  struct Place {
    const Leftover* leftover;
    size_t index;      // among its samples
    size_t first_row;  // among its rows
  };
  std::vector<Place> places;
  for (const Leftover& leftover : leftovers) {
    size_t row = 0;
    for (size_t i = 0; i < leftover.samples.size(); ++i) {
      places.push_back({&leftover, i, row});
      row += leftover.samples[i].rows;
    }
    bank->rows += row;
    bank->always_right += leftover.always_right;
    bank->always_wrong.insert(bank->always_wrong.end(), leftover.always_wrong.begin(), leftover.always_wrong.end());
  }
  const auto rows_of = [](const Place& place) { return place.leftover->samples[place.index].rows; };
  std::stable_sort(places.begin(), places.end(), [&](const Place& a, const Place& b) { return rows_of(a) > rows_of(b); });

  const size_t models = bank->models;
  bank->undecided = places.size();
  bank->groups = (places.size() + kBankLanes - 1) / kBankLanes;
  bank->first_slot = AlignedArray<uint32_t>(bank->groups + 1);
  size_t slots = 0;
  for (size_t group = 0; group < bank->groups; ++group) {
    bank->first_slot[group] = static_cast<uint32_t>(slots);
    slots += rows_of(places[group * kBankLanes]);
  }
  bank->first_slot[bank->groups] = static_cast<uint32_t>(slots);
  bank->quantised = AlignedArray<int32_t>(slots * models * kBankLanes);
  bank->bias = AlignedArray<int32_t>(slots * kBankLanes);
  bank->slack = AlignedArray<int32_t>(slots * kBankLanes);
  bank->weighted_slack = AlignedArray<float>(slots * kBankLanes);
  bank->wins_ties = AlignedArray<uint16_t>(slots);
  bank->class_logits = AlignedArray<float>(slots * kBankLanes * models);
  bank->need = AlignedArray<int32_t>(bank->groups * kBankLanes);
  bank->sample = AlignedArray<uint32_t>(bank->groups * kBankLanes);
  bank->label_logits = AlignedArray<float>(bank->groups * kBankLanes * models);
  std::fill_n(bank->quantised.data(), slots * models * kBankLanes, 0);
  std::fill_n(bank->bias.data(), slots * kBankLanes, kNoClass);
  std::fill_n(bank->slack.data(), slots * kBankLanes, 0);
  std::fill_n(bank->weighted_slack.data(), slots * kBankLanes, 0.0f);
  std::fill_n(bank->wins_ties.data(), slots, uint16_t{0});
  std::fill_n(bank->class_logits.data(), slots * kBankLanes * models, 0.0f);
  std::fill_n(bank->need.data(), bank->groups * kBankLanes, INT32_MAX);
  std::fill_n(bank->sample.data(), bank->groups * kBankLanes, Bank::kNoSample);
  std::fill_n(bank->label_logits.data(), bank->groups * kBankLanes * models, 0.0f);

  std::vector<int32_t> quantised(models);
  for (size_t place = 0; place < places.size(); ++place) {
    const auto& [leftover, index, first_row] = places[place];
    const size_t group = place / kBankLanes;
    const size_t lane = place % kBankLanes;
    const Leftover::Sample& sample = leftover->samples[index];
    bank->need[place] = static_cast<int32_t>(sample.need);
    bank->sample[place] = sample.sample;
    const float* const label = leftover->label_logits.data() + index * models;
    std::copy_n(label, models, bank->label_logits.data() + place * models);
    for (size_t row = 0; row < sample.rows; ++row) {
      const size_t slot = bank->first_slot[group] + row;
      const float* const other = leftover->class_logits.data() + (first_row + row) * models;
      const bool wins_ties = leftover->wins_ties[first_row + row] != 0;
      std::copy_n(other, models, bank->class_logits.data() + (slot * kBankLanes + lane) * models);
      bank->wins_ties[slot] = static_cast<uint16_t>(bank->wins_ties[slot] | (wins_ties ? 1u : 0u) << lane);
      const Quantised made = quantise(models, other, label, wins_ties, quantised.data());
      bank->bias[slot * kBankLanes + lane] = made.bias;
      bank->slack[slot * kBankLanes + lane] = made.slack;
      bank->weighted_slack[slot * kBankLanes + lane] = made.weighted_slack;
      for (size_t k = 0; k < models; ++k) bank->quantised[(slot * models + k) * kBankLanes + lane] = quantised[k];
    }
  }
}

}  // namespace radin
