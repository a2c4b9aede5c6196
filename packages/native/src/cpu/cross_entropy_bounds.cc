// Bounds on the cross-entropy of S mixtures from a bank: see cross_entropy_bank.h.
//
// Fused: mixing and exponentials of the classes kept, 16 of one sample at a time, then of the two bounds on the others,
// 16 samples at a time, and both logarithms.
// Memory: per thread 2 S doubles and some 0.2 MB of sums.

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "cross_entropy_bank.h"
#include "cross_entropy_plan.h"
#include "fork_join.h"
#include "ordered_sum.h"

namespace radin {

namespace {

constexpr size_t kBlockTiles = 16;
constexpr size_t kPassMixtures = 512;
constexpr double kUnit = 1.0 / 16777216.0;  // 2^-24

struct Pass {
  MixturePlan plan;
  size_t first_row;
  std::vector<uint8_t> paired;  // of each mixture of the plan: no p_k is above 1/2
  bool any_paired;
};

std::vector<Pass> passes_of(const RadinEntropyBounds& request, const RadinRun& run) {
  std::vector<Pass> passes;
  for (size_t first = 0; first < request.mixtures && !is_cancelled(run); first += kPassMixtures) {
    const size_t count = std::min(kPassMixtures, request.mixtures - first);
    const size_t models = request.bank->models;
    Pass pass = {MixturePlan(request.coefficients + first * models, count, models), first, {}, false};
    for (size_t s = 0; s < count; ++s) {
      const double* const p = pass.plan.coefficients(s);
      const bool is_paired = std::all_of(p, p + models, [](double weight) { return weight <= 0.5; });
      pass.paired.push_back(is_paired);
      pass.any_paired = pass.any_paired || is_paired;
    }
    passes.push_back(std::move(pass));
  }
  return passes;
}

// One thread's work on one block of tiles after the other.
class Bounder {
 public:
  Bounder(const InstructionSet& set, const RadinEntropyBounds& request, const std::vector<Pass>& passes,
          const RadinRun& run)
      : kernels_(set.cross_entropy),
        bank_kernels_(set.cross_entropy_bank),
        bank_(*request.bank), passes_(passes), run_(run), block_(2 * request.mixtures) {
    size_t slots = 0;
    size_t sums = 0;
    for (const Pass& pass : passes) {
      slots = std::max(slots, pass.plan.slots());
      sums = std::max(sums, pass.plan.mixtures() * kTileLanes);
    }
    slots_.resize(slots * kSlotFloats);
    for (std::vector<float>* values : {&sums_, &kept_, &below_, &above_}) values->resize(sums);
    lower_.resize(sums);
    upper_.resize(sums);
  }

  // The sums of a block: [S] lower, then [S] upper bounds. Of no use once the call has been stopped.
  const double* bound_block(size_t block) {
    std::fill(block_.begin(), block_.end(), 0.0);
    const size_t end = std::min((block + 1) * kBlockTiles, bank_.tiles.size());
    for (size_t tile = block * kBlockTiles; tile < end; ++tile) {
      for (const Pass& pass : passes_) {
        if (!bound_tile(bank_.tiles[tile], pass)) return block_.data();
      }
    }
    return block_.data();
  }

 private:
  bool bound_tile(const RadinEntropyBank::Tile& tile, const Pass& pass) {
    const CrossEntropyPlan view = pass.plan.view();
    const size_t values = pass.plan.mixtures() * kTileLanes;
    const float* kept = tile.kept;
    for (size_t lane = 0; lane < kTileLanes; ++lane) {
      if (is_cancelled(run_)) return false;
      if (!(tile.near >> lane & 1)) continue;
      std::fill_n(sums_.begin(), values, 0.0f);
      for (size_t c = 0; c < tile.classes[lane]; c += kSlotFloats) {
        const size_t width = std::min<size_t>(kSlotFloats, tile.classes[lane] - c);
        // The bank streams from memory: the next step is asked for while all mixtures are computed on this one.
        const float* const next = kept + width * bank_.models;
        for (size_t i = 0; i < width * bank_.models; i += kTileLanes) __builtin_prefetch(next + i);
        add(view, kept, width, sums_.data());
        kept = next;
      }
      bank_kernels_.add_lanes(sums_.data(), pass.plan.mixtures(), &kept_[lane]);
    }
    std::fill_n(below_.begin(), values, 0.0f);
    std::fill_n(above_.begin(), values, 0.0f);
    add(view, tile.lower, kTileLanes, below_.data());
    add(view, tile.upper, kTileLanes, above_.data());
    if (pass.any_paired) {
      std::fill_n(sums_.begin(), values, 0.0f);
      add(view, tile.paired, kTileLanes, sums_.data());
      for (size_t s = 0; s < pass.plan.mixtures(); ++s) {
        if (!pass.paired[s]) continue;
        for (size_t i = s * kTileLanes; i < (s + 1) * kTileLanes; ++i) above_[i] = std::min(above_[i], sums_[i]);
      }
    }
    bank_kernels_.bound(kept_.data(), below_.data(), above_.data(), values, lower_.data(), upper_.data());
    for (size_t s = 0; s < pass.plan.mixtures(); ++s) {
      double& lower = block_[pass.first_row + pass.plan.row(s)];
      double& upper = block_[block_.size() / 2 + pass.first_row + pass.plan.row(s)];
      for (size_t lane = 0; lane < kTileLanes; ++lane) {
        if (!(tile.near >> lane & 1)) continue;
        lower += lower_[s * kTileLanes + lane];
        upper += upper_[s * kTileLanes + lane];
      }
    }
    return true;
  }

  // sums += exp z of `width` values x [N, width].
  void add(const CrossEntropyPlan& view, const float* x, size_t width, float* sums) {
    for (size_t k = 0; k < bank_.models; ++k) std::copy_n(x + k * width, width, &slots_[k * kSlotFloats]);
    kernels_.share(view, slots_.data());
    kernels_.add_coarse(view, slots_.data(), width / kTileLanes, sums);
  }

  const CrossEntropyKernels& kernels_;
  const CrossEntropyBankKernels& bank_kernels_;
  const RadinEntropyBank& bank_;
  const std::vector<Pass>& passes_;
  const RadinRun& run_;
  std::vector<float> slots_;
  std::vector<float> sums_, kept_, below_, above_;  // [S, 16]
  std::vector<double> lower_, upper_;               // [S, 16]
  std::vector<double> block_;
};

// Moves the bounds of mixture `s` of a plan outwards by what rounding can amount to, and adds those of the far samples.
void finish(const RadinEntropyBank& bank, const MixturePlan& plan, size_t s, double* lower, double* upper) {
  const size_t models = bank.models;
  const size_t groups = (models + kGroupModels - 1) / kGroupModels;
  const double terms = static_cast<double>(plan.is_uniform(s) ? groups + 7 : models + 3);
  const double margin = (terms * bank.distances + bank.roundings) * kUnit;
  double far_lower = bank.far.constant;
  double far_upper = 0.0;
  double far_size = 0.0;
  for (size_t k = 0; k < models; ++k) {
    far_lower += plan.coefficients(s)[k] * bank.far.lower[k];
    far_upper += plan.coefficients(s)[k] * bank.far.upper[k];
    far_size += bank.far.upper[k] + std::abs(bank.far.lower[k]);
  }
  // Of the float64 sums, relative to them; of the logarithm of each far sample's sum, which is 1 at least, however little is lost there.
  const double small = 1e-11 * (std::abs(*upper) + far_size) + 1e-13 * static_cast<double>(bank.far_samples);
  *lower = std::max(*lower - margin, 0.0) + std::max(far_lower, 0.0) - small;
  *lower = std::max(*lower, 0.0);
  *upper = *upper + margin + far_upper + small;
}

}  // namespace

RadinStatus entropy_bounds(const InstructionSet& set, const RadinEntropyBounds& request, const RadinRun& run) {
  const RadinEntropyBank& bank = *request.bank;
  const size_t blocks = (bank.tiles.size() + kBlockTiles - 1) / kBlockTiles;
  const std::vector<Pass> passes = passes_of(request, run);
  if (is_cancelled(run)) return RADIN_STOPPED;
  std::vector<double> totals(2 * request.mixtures, 0.0);
  std::vector<std::unique_ptr<Bounder>> bounders;
  const uint32_t workers = worker_count(run, blocks);
  for (uint32_t i = 0; i < workers; ++i) bounders.push_back(std::make_unique<Bounder>(set, request, passes, run));
  OrderedSum sum(totals.data(), totals.size());
  const RadinStatus status = for_each_block(
      run, blocks, [&](uint32_t worker, size_t block) { sum.add(block, bounders[worker]->bound_block(block)); });
  if (status != RADIN_DONE) return status;
  std::copy_n(totals.begin(), request.mixtures, request.lower);
  std::copy_n(totals.begin() + static_cast<ptrdiff_t>(request.mixtures), request.mixtures, request.upper);
  for (const Pass& pass : passes) {
    for (size_t s = 0; s < pass.plan.mixtures(); ++s) {
      const size_t row = pass.first_row + pass.plan.row(s);
      finish(bank, pass.plan, s, request.lower + row, request.upper + row);
    }
  }
  return RADIN_DONE;
}

}  // namespace radin
