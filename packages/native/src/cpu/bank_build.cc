// Building a bank: one pass over the logits, at the speed of memory.
//
// A thread takes a block of samples of all models, scans it in tiles that stay in the second-level cache for as many
// models as fit, and looks at the few marked classes of each sample again: sample_classes.h decides what is kept.
// Memory beyond the bank: what is kept, once more while it is put in order, and per thread the blocks of logit_blocks.h.

#include "bank_build.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>

#include "../exact/rules.h"
#include "fork_join.h"
#include "logit_blocks.h"
#include "sample_classes.h"

namespace radin {

namespace {

// Bytes of one model's rows in a tile: as much as keeps the processor's prefetcher in one stream, and little enough for the
// tile of a dozen models to fit the second-level cache (16 samples of 1000 classes).
constexpr size_t kTileBytes = size_t{64} << 10;
// Bounds the tile's work space for few classes.
constexpr size_t kTileSamples = 256;
// Rows of at least this many classes (four cache lines) are worth fetching ahead one by one.
constexpr size_t kClassesToFetch = 64;
constexpr int32_t kInfinityBits = 0x7f800000;

// What a block of samples leaves: the samples no mixture-independent rule decides, and their classes.
struct Leftover {
  struct Sample {
    uint32_t sample;
    uint32_t need;
    uint32_t rows;
  };
  std::vector<Sample> samples;
  std::vector<float> label_logits;  // [samples, N]
  std::vector<float> class_logits;  // [rows, N]
  std::vector<uint8_t> wins_ties;   // [rows]
  size_t always_right = 0;
  std::vector<uint32_t> always_wrong;
};

struct NotFinite {
  std::mutex mutex;
  std::atomic<bool> found{false};
  RadinLogit first{};

  void note(const RadinLogit& logit) {
    const std::lock_guard<std::mutex> lock(mutex);
    const bool is_earlier = logit.model != first.model ? logit.model < first.model : logit.sample < first.sample;
    if (!found || is_earlier) first = logit;
    found = true;
  }
};

// One thread's pass over its blocks.
class Pass {
 public:
  Pass(const InstructionSet& set, const RadinLogits& logits, size_t top, Sources& sources, NotFinite& not_finite)
      : set_(set),
        logits_(logits),
        words_((logits.classes + kWordClasses - 1) / kWordClasses),
        blocks_(set, logits, sources),
        not_finite_(not_finite),
        classes_(set, logits.models, top) {}

  bool block(size_t begin, size_t count, Leftover* leftover) {
    if (!blocks_.load(begin, count)) return false;
    const size_t tile = std::clamp<size_t>(kTileBytes / (4 * logits_.classes), 1, kTileSamples);
    for (size_t first = 0; first < count; first += tile) {
      scan_tile(begin, first, std::min(tile, count - first), leftover);
    }
    return true;
  }

 private:
  void scan_tile(size_t begin, size_t first, size_t count, Leftover* leftover) {
    marks_.assign(count * words_, 0);
    thresholds_.resize(count);
    int32_t lanes[kBankLanes] = {};
    for (size_t k = 0; k < logits_.models; ++k) {
      const float* const rows = blocks_.rows(k) + first * logits_.classes;
      const int32_t* const labels = logits_.labels + begin + first;
      for (size_t m = 0; m < count; ++m) thresholds_[m] = rows[m * logits_.classes + static_cast<size_t>(labels[m])];
      const float* const next = blocks_.rows(k + 1 < logits_.models ? k + 1 : 0) + first * logits_.classes;
      if (logits_.classes >= kClassesToFetch) {
        // The labels' logits lie anywhere in their rows: without this, each would be waited for in the next round.
        for (size_t m = 0; m < count; ++m) {
          __builtin_prefetch(next + m * logits_.classes + static_cast<size_t>(labels[m]));
        }
      }
      set_.bank.scan({rows, count, logits_.classes, thresholds_.data(), marks_.data(), lanes, next});
    }
    const int32_t largest_bits = *std::max_element(lanes, lanes + kBankLanes);
    if (largest_bits >= kInfinityBits) return find_not_finite(begin, first, count);
    if (not_finite_.found) return;
    float largest;
    std::memcpy(&largest, &largest_bits, sizeof largest);
    for (size_t m = 0; m < count; ++m) finish_sample(begin + first + m, first + m, m, largest, leftover);
  }

  const float* row(size_t model, size_t in_block) const { return blocks_.rows(model) + in_block * logits_.classes; }

  void finish_sample(size_t sample, size_t in_block, size_t in_tile, float largest, Leftover* leftover) {
    const auto row_of = [&](size_t k) { return row(k, in_block); };
    switch (classes_.classify(static_cast<uint32_t>(logits_.labels[sample]), marks_.data() + in_tile * words_, words_,
                              largest, row_of)) {
      case Verdict::kRight: ++leftover->always_right; return;
      case Verdict::kWrong: leftover->always_wrong.push_back(static_cast<uint32_t>(sample)); return;
      case Verdict::kUndecided: break;
    }
    leftover->samples.push_back({static_cast<uint32_t>(sample), static_cast<uint32_t>(classes_.need()),
                                 static_cast<uint32_t>(classes_.kept())});
    const std::vector<float>& label_logits = classes_.label_logits();
    leftover->label_logits.insert(leftover->label_logits.end(), label_logits.begin(), label_logits.end());
    for (size_t i = 0; i < classes_.kept(); ++i) {
      classes_.append_logits(i, &leftover->class_logits);
      leftover->wins_ties.push_back(classes_.wins_ties(i));
    }
  }

  void find_not_finite(size_t begin, size_t first, size_t count) {
    for (size_t k = 0; k < logits_.models; ++k) {
      for (size_t i = 0; i < count * logits_.classes; ++i) {
        const float value = row(k, first)[i];
        if (!std::isfinite(value)) {
          return not_finite_.note({k, begin + first + i / logits_.classes, i % logits_.classes, value});
        }
      }
    }
  }

  const InstructionSet& set_;
  const RadinLogits& logits_;
  const size_t words_;
  LogitBlocks blocks_;
  NotFinite& not_finite_;
  std::vector<uint16_t> marks_;    // [tile, words]
  std::vector<float> thresholds_;  // [tile]
  SampleClasses classes_;
};

// Puts what the blocks left into groups of lanes, samples with most rows first, then in their order.
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
  bank->wins_ties = AlignedArray<uint16_t>(slots);
  bank->class_logits = AlignedArray<float>(slots * kBankLanes * models);
  bank->need = AlignedArray<int32_t>(bank->groups * kBankLanes);
  bank->sample = AlignedArray<uint32_t>(bank->groups * kBankLanes);
  bank->label_logits = AlignedArray<float>(bank->groups * kBankLanes * models);
  std::fill_n(bank->quantised.data(), slots * models * kBankLanes, 0);
  std::fill_n(bank->bias.data(), slots * kBankLanes, kNoClass);
  std::fill_n(bank->slack.data(), slots * kBankLanes, 0);
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
      for (size_t k = 0; k < models; ++k) bank->quantised[(slot * models + k) * kBankLanes + lane] = quantised[k];
    }
  }
}

}  // namespace

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

RadinStatus build_bank(const InstructionSet& set, const RadinLogits& logits, size_t top, const RadinRun& run,
                       std::unique_ptr<Bank>* result, RadinLogit* not_finite) {
  auto bank = std::make_unique<Bank>();
  bank->models = logits.models;
  bank->samples = logits.samples;
  bank->classes = logits.classes;
  bank->top = top;

  // The last sample is a block of its own, the only one that has to be copied for the sake of its padding.
  const size_t block = LogitBlocks::block_samples(logits);
  const size_t but_one = std::max<size_t>(logits.samples, 1) - 1;
  const size_t blocks = logits.samples == 0 ? 0 : (but_one + block - 1) / block + 1;
  Sources sources(logits.sources, logits.models);
  NotFinite found;
  std::vector<Leftover> leftovers(blocks);
  std::vector<std::unique_ptr<Pass>> passes(worker_count(run, blocks));
  for (auto& pass : passes) pass = std::make_unique<Pass>(set, logits, top, sources, found);
  const RadinStatus status = for_each_block(run, blocks, [&](uint32_t worker, size_t index) {
    if (sources.has_failed()) return;
    const size_t begin = std::min(index * block, but_one);
    const size_t end = index + 1 == blocks ? logits.samples : std::min(begin + block, but_one);
    passes[worker]->block(begin, end - begin, &leftovers[index]);
  });
  if (status != RADIN_DONE) return status;
  if (!sources.finish(run.source)) return RADIN_SOURCE_FAILED;
  if (found.found) {
    *not_finite = found.first;
    return RADIN_NOT_FINITE;
  }
  arrange(leftovers, bank.get());
  *result = std::move(bank);
  return RADIN_DONE;
}

}  // namespace radin
