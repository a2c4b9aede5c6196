// Making a bank by one pass over the logits: see cross_entropy_bank.h.
//
// Fused: reading, the check that all logits are finite, choosing the classes to keep, copying them, and the sums that
// bound the others.
// Memory: per thread the reader's buffer, the largest x of each class of 16 samples, and a block's kept classes, which
// become part of the bank.

#include "cross_entropy_bank.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "cross_entropy_plan.h"
#include "elementary.h"
#include "far_losses.h"
#include "fork_join.h"
#include "logit_reader.h"
#include "ordered_sum.h"

namespace radin {

namespace {

constexpr size_t kBlockSamples = 256;
constexpr int32_t kNearBits = 0x42800000;  // 64.0f
constexpr int32_t kInfinityBits = 0x7f800000;
// Stands for "nothing": exp of it cannot change a sum that is at least 1.
constexpr float kNothing = -64.0f;
// Mixed values up to this are safe to exponentiate.
constexpr double kMostExponent = 80.0;
// Larger pools have too many pairs for their use.
constexpr size_t kMostPaired = 32;
constexpr double kUnit = 1.0 / 16777216.0;  // 2^-24

double logarithm(double value) { return value >= 1.0 ? log_at_least_one(value) : -log_at_least_one(1.0 / value); }

// One thread's work on one block after the other.
class BankBuilder {
 public:
  BankBuilder(const InstructionSet& set, const RadinOpenEntropyBank& request, Sources& sources, const RadinRun& run)
      : kernels_(set.cross_entropy),
        bank_kernels_(set.cross_entropy_bank),
        logits_(request.logits),
        run_(run),
        models_(request.logits.models),
        log_ratio_(logarithm(request.ratio)),
        reader_(request.logits, sources, set.cross_entropy),
        most_(kTileLanes * request.logits.classes),
        kept_(most_.size()),
        far_losses_(set.cross_entropy, models_),
        tails_(kTileLanes * models_),
        roots_(models_ > 1 && models_ <= kMostPaired ? models_ * kRowPart : 0),
        products_(roots_.empty() ? 0 : kTileLanes * models_ * models_),
        fit_(models_),
        results_(kResults + 2 * models_) {}

  static constexpr size_t kRows = 0, kFar = 1, kFarConstant = 2, kDistances = 3, kRoundings = 4, kBytes = 5,
                          kResults = 6;

  // Fills a block of tiles and returns its contributions: the results above, then far_lower [N] and far_upper [N].
  const double* build(size_t block, RadinEntropyBank::Tile* tiles) {
    std::fill(results_.begin(), results_.end(), 0.0);
    const size_t end = std::min((block + 1) * kBlockSamples, logits_.samples);
    for (size_t sample = block * kBlockSamples; sample < end; sample += kTileLanes, ++tiles) {
      first_sample_ = sample;
      lanes_ = std::min(kTileLanes, end - sample);
      if (!build_tile(tiles)) break;
    }
    return results_.data();
  }

  uint64_t first_nonfinite() const { return first_nonfinite_; }
  Arena take_memory() { return std::move(memory_); }

 private:
  // What becomes of one sample.
  struct Sample {
    size_t kept, copied;
    float limit;      // classes whose largest x is at least this are kept
    float* to;        // [N, kept rounded up to 16] in steps of 64 classes
    double uniform;   // sum of exp x over the dropped classes, at the uniform mixture
    float distance;   // the largest |x|
  };

  bool build_tile(RadinEntropyBank::Tile* tile) {
    if (!scan()) return false;
    if (first_nonfinite_ != UINT64_MAX) return true;
    choose(tile);
    std::fill(tails_.begin(), tails_.end(), TailSums{});
    std::fill(products_.begin(), products_.end(), 0.0);
    // The last window is loaded already: where it is all there is, nothing is read twice.
    for (size_t window = 0; window < logits_.classes; window += reader_.window_classes()) {
      if (reader_.window_classes() < logits_.classes && !reader_.load(first_sample_, lanes_, window)) return false;
      for (size_t lane = 0; lane < lanes_; ++lane) {
        if (is_cancelled(run_)) return false;
        if (tile->near >> lane & 1) prune(lane, window);
      }
    }
    for (size_t lane = 0; lane < lanes_; ++lane) {
      if (tile->near >> lane & 1) finish(lane, tile->classes[lane]);
    }
    const uint32_t far = ((1u << lanes_) - 1) & ~tile->near;
    if (far == 0) return true;
    FarBounds bounds(models_);
    if (!far_losses_.add(reader_, run_, first_sample_, lanes_, far, &bounds)) return false;
    for (size_t lane = 0; lane < lanes_; ++lane) results_[kFar] += far >> lane & 1;
    results_[kFarConstant] += bounds.constant;
    for (size_t k = 0; k < models_; ++k) {
      results_[kResults + k] += bounds.lower[k];
      results_[kResults + models_ + k] += bounds.upper[k];
    }
    return true;
  }

  // The largest x of each class, and whether the logits are finite and near the label's.
  bool scan() {
    std::fill(largest_.begin(), largest_.end(), 0);
    std::fill_n(tops_, kTileLanes, 0.0f);
    for (size_t window = 0; window < logits_.classes; window += reader_.window_classes()) {
      if (!reader_.load(first_sample_, lanes_, window)) return false;
      for (size_t lane = 0; lane < lanes_; ++lane) {
        if (is_cancelled(run_)) return false;
        bank_kernels_.scan(reader_.rows(), lane, reader_.loaded_classes(), &most_[lane * logits_.classes + window],
                      &tops_[lane], &largest_[lane]);
      }
      if (std::any_of(largest_.begin(), largest_.end(), [](int32_t bits) { return bits >= kInfinityBits; })) {
        first_nonfinite_ = std::min(first_nonfinite_, reader_.first_nonfinite());
      }
    }
    return true;
  }

  // Lists the classes to keep and makes room for them.
  void choose(RadinEntropyBank::Tile* tile) {
    const size_t classes = logits_.classes;
    size_t floats = 0;
    tile->near = 0;
    for (size_t lane = 0; lane < kTileLanes; ++lane) {
      tile->classes[lane] = 0;
      if (lane >= lanes_ || largest_[lane] > kNearBits) continue;
      Sample& sample = samples_[lane];
      sample = {0, 0, static_cast<float>(tops_[lane] + log_ratio_), nullptr, 0.0, bit_cast<float>(largest_[lane])};
      const float* const most = &most_[lane * classes];
      uint32_t* const kept = &kept_[lane * classes];
      for (size_t c = 0; c < classes; ++c) {
        kept[sample.kept] = static_cast<uint32_t>(c);
        sample.kept += most[c] >= sample.limit;
      }
      tile->near |= 1u << lane;
      tile->classes[lane] = static_cast<uint32_t>((sample.kept + kTileLanes - 1) / kTileLanes * kTileLanes);
      floats += tile->classes[lane] * models_;
    }
    float* const memory = memory_.allocate(floats + 3 * models_ * kTileLanes);
    std::fill_n(memory, 3 * models_ * kTileLanes, kNothing);
    upper_ = memory;
    lower_ = upper_ + models_ * kTileLanes;
    paired_ = lower_ + models_ * kTileLanes;
    float* to = paired_ + models_ * kTileLanes;
    tile->upper = upper_;
    tile->lower = lower_;
    tile->paired = paired_;
    tile->kept = to;
    for (size_t lane = 0; lane < lanes_; ++lane) {
      samples_[lane].to = to;
      to += tile->classes[lane] * models_;
    }
    results_[kBytes] += static_cast<double>((to - memory) * static_cast<ptrdiff_t>(sizeof(float)));
  }

  // Copies the classes kept of a loaded window and sums up the others.
  void prune(size_t lane, size_t window) {
    const TileRows rows = reader_.rows();
    const size_t count = reader_.loaded_classes();
    Sample& sample = samples_[lane];
    const uint32_t* const kept = &kept_[lane * logits_.classes];
    const size_t padded = (sample.kept + kTileLanes - 1) / kTileLanes * kTileLanes;
    while (sample.copied < sample.kept && kept[sample.copied] < window + count) {
      const size_t at = sample.copied;
      const size_t step = at / kSlotFloats * kSlotFloats;
      const size_t width = std::min(kSlotFloats, padded - step);
      const size_t step_end = std::min(step + kSlotFloats, sample.kept);
      size_t last = at;
      while (last < step_end && kept[last] < window + count) ++last;
      for (size_t k = 0; k < models_; ++k) {
        float* const to = sample.to + step * models_ + k * width;
        bank_kernels_.gather(rows.row[k * kTileLanes + lane], rows.label[k * kTileLanes + lane], window, kept + at, last - at,
                        to + (at - step));
        if (last == sample.kept) std::fill(to + (last - step), to + width, kNothing);
      }
      sample.copied = last;
    }
    if (sample.kept == logits_.classes) return;
    for (size_t part = 0; part < count; part += kRowPart) {
      const size_t end = std::min(part + kRowPart, count);
      bank_kernels_.tail(rows, lane, part, end, &most_[lane * logits_.classes + window], sample.limit,
                         &tails_[lane * models_], &sample.uniform, roots_.empty() ? nullptr : roots_.data());
      if (!roots_.empty()) {
        bank_kernels_.pairs(models_, roots_.data(), end - part, &products_[lane * models_ * models_]);
      }
    }
  }

  void finish(size_t lane, uint32_t classes) {
    const Sample& sample = samples_[lane];
    double distance = sample.distance;
    if (sample.uniform > 0.0) distance = std::max(distance, bound_tail(lane));
    results_[kRows] += static_cast<double>(sample.kept);
    results_[kDistances] += distance;
    // Fours of 16 classes added up, the tree over lanes, exp, and the few operations left.
    results_[kRoundings] += static_cast<double>(classes / kTileLanes) / 4.0 + 32.0 + 1.001 * kCoarseError / kUnit;
  }

  // l_k and u_k, moved outwards by what rounding can amount to. Returns the largest of their magnitudes.
  double bound_tail(size_t lane) {
    const double uniform = samples_[lane].uniform;
    const TailSums* const tails = &tails_[lane * models_];
    // Roundings of a sum of a part of a row, whose terms are themselves off by a few; see docs/numerics.md.
    constexpr double kSum = static_cast<double>(kRowPart / kTileLanes) + 8.0;
    const double outwards_up = 3.0 * kCoarseError + (160.0 + kSum) * kUnit;
    const double outwards_down = 2.0 * kCoarseError + (400.0 + 2.0 * kSum * (1.0 + samples_[lane].distance)) * kUnit;
    double mean = 0.0;
    for (size_t k = 0; k < models_; ++k) mean += tails[k].moment / uniform;
    const double base = logarithm(uniform) - mean / static_cast<double>(models_) - outwards_down;
    double most = 0.0;
    double least = 0.0;
    for (size_t k = 0; k < models_; ++k) {
      const double sum = roots_.empty() ? tails[k].sum : products_[(lane * models_ + k) * models_ + k];
      const double u = std::max(logarithm(sum) + outwards_up, static_cast<double>(kNothing));
      const double l = base + tails[k].moment / uniform;
      upper_[k * kTileLanes + lane] = static_cast<float>(u);
      lower_[k * kTileLanes + lane] = static_cast<float>(l);
      most = std::max(most, std::max(std::fabs(u), std::fabs(l)));
      least = std::min(least, l);
    }
    if (least <= kNothing) {
      for (size_t k = 0; k < models_; ++k) lower_[k * kTileLanes + lane] = kNothing;
      most = std::max(most, static_cast<double>(-kNothing));
    }
    for (size_t k = 0; k < models_; ++k) paired_[k * kTileLanes + lane] = upper_[k * kTileLanes + lane];
    return roots_.empty() ? most : std::max(most, bound_pairs(lane, outwards_up));
  }

  // Fits b_j + b_k to f at the pairs by least squares and raises it above all of them. Returns the largest magnitude of the
  // 2 b_k that are stored.
  double bound_pairs(size_t lane, double outwards_up) {
    double* const products = &products_[lane * models_ * models_];
    for (size_t j = 0; j < models_; ++j) {
      for (size_t k = 0; k <= j; ++k) products[j * models_ + k] = j == k ? 1.0 : products[k * models_ + j];
    }
    kernels_.logarithms(products, models_ * models_);
    double all = 0.0;
    for (size_t k = 0; k < models_; ++k) {
      fit_[k] = 0.0;
      for (size_t j = 0; j < models_; ++j) fit_[k] += products[j * models_ + k];
      all += fit_[k];
    }
    const double count = static_cast<double>(models_);
    all /= 2.0 * count - 2.0;
    for (double& b : fit_) b = models_ == 2 ? b / 2.0 : (b - all) / (count - 2.0);
    double above = -std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < models_; ++j) {
      for (size_t k = 0; k < j; ++k) above = std::max(above, products[j * models_ + k] - fit_[j] - fit_[k]);
    }
    double most = 0.0;
    for (double& b : fit_) {
      b = std::max(2.0 * b + above + outwards_up, static_cast<double>(kNothing));
      most = std::max(most, std::fabs(b));
    }
    if (most > kMostExponent) return 0.0;  // the models' own values stay
    for (size_t k = 0; k < models_; ++k) paired_[k * kTileLanes + lane] = static_cast<float>(fit_[k]);
    return most;
  }

  const CrossEntropyKernels& kernels_;
  const CrossEntropyBankKernels& bank_kernels_;
  const RadinLogits& logits_;
  const RadinRun& run_;
  const size_t models_;
  const double log_ratio_;
  LogitReader reader_;
  Arena memory_;
  size_t first_sample_ = 0, lanes_ = 0;
  float* upper_ = nullptr;
  float* lower_ = nullptr;
  float* paired_ = nullptr;
  std::vector<float> most_;      // [16, C]: the largest x of each class
  std::vector<uint32_t> kept_;   // [16, C]: the classes kept
  float tops_[kTileLanes] = {};  // the largest over all classes of the smallest x of a model
  std::array<int32_t, kTileLanes> largest_{};  // bits of the largest |x|
  Sample samples_[kTileLanes];
  FarLosses far_losses_;
  std::vector<TailSums> tails_;   // [16, N]
  std::vector<float> roots_;      // [N, kRowPart]: exp(x / 2); empty where pairs are not used
  std::vector<double> products_;  // [16, N, N]: their products summed over the dropped classes
  std::vector<double> fit_;       // [N]
  std::vector<double> results_;
  uint64_t first_nonfinite_ = UINT64_MAX;
};

}  // namespace

RadinStatus open_entropy_bank(const InstructionSet& set, const RadinOpenEntropyBank& request, const RadinRun& run) {
  const RadinLogits& logits = request.logits;
  const size_t models = logits.models;
  const size_t blocks = (logits.samples + kBlockSamples - 1) / kBlockSamples;
  Sources sources(logits.sources, models);
  auto bank = std::make_unique<RadinEntropyBank>();
  bank->models = models;
  bank->tiles.resize((logits.samples + kTileLanes - 1) / kTileLanes);
  *request.first_nonfinite = UINT64_MAX;
  std::vector<double> results(BankBuilder::kResults + 2 * models, 0.0);
  std::atomic<bool> out_of_memory{false};
  if (blocks > 0 && !sources.has_failed()) {
    const uint32_t workers = worker_count(run, blocks);
    std::vector<std::unique_ptr<BankBuilder>> builders;
    bank->memory.reserve(workers);
    for (uint32_t i = 0; i < workers; ++i) {
      builders.push_back(std::make_unique<BankBuilder>(set, request, sources, run));
    }
    OrderedSum sum(results.data(), results.size());
    const RadinStatus status = for_each_block(run, blocks, [&](uint32_t worker, size_t block) {
      const double* part = results.data();
      try {
        if (!out_of_memory) part = builders[worker]->build(block, &bank->tiles[block * (kBlockSamples / kTileLanes)]);
      } catch (const std::exception&) {
        out_of_memory = true;
      }
      sum.add(block, part);
    });
    if (status != RADIN_DONE) return status;
    if (out_of_memory) return RADIN_OUT_OF_MEMORY;
    for (const auto& builder : builders) {
      *request.first_nonfinite = std::min(*request.first_nonfinite, builder->first_nonfinite());
      bank->memory.push_back(builder->take_memory());
    }
  }
  if (!sources.finish(run.source)) return RADIN_SOURCE_FAILED;
  bank->far_samples = static_cast<uint64_t>(results[BankBuilder::kFar]);
  bank->far.constant = results[BankBuilder::kFarConstant];
  bank->distances = results[BankBuilder::kDistances];
  bank->roundings = results[BankBuilder::kRoundings];
  const auto far = results.begin() + BankBuilder::kResults;
  bank->far.lower.assign(far, far + static_cast<ptrdiff_t>(models));
  bank->far.upper.assign(far + static_cast<ptrdiff_t>(models), results.end());
  *request.rows = static_cast<uint64_t>(results[BankBuilder::kRows]);
  *request.bytes = static_cast<uint64_t>(results[BankBuilder::kBytes]) + bank->tiles.size() * sizeof bank->tiles[0];
  *request.far_samples = bank->far_samples;
  *request.bank = bank.release();
  return RADIN_DONE;
}

}  // namespace radin
