// Cross-entropy of S mixtures and its gradient, or the probability of the label, summed over M samples.
//
// Fused: reading, the check that all logits are finite, mixing, log-sum-exp, its derivatives by the mixing weights.
// Never in memory: mixed logits, exponentials, or the logits of more than a tile of samples, where they come from files.
// Shapes: logits N x [M, C], coefficients [S, N], totals [S], gradients [S, N].
// Memory: per thread the sums of one block, S (N + 1) doubles with a gradient and S without, the reader's buffer and
// 1 to 4 MB of sums.
//
// A thread takes a block of 256 samples in tiles of 16, one sample to a lane, and walks each tile once per pass of some
// hundred mixtures. Samples in which a logit lies far from the label's are computed again in float64.

#include "cross_entropy.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "cross_entropy_plan.h"
#include "elementary.h"
#include "fork_join.h"
#include "logit_reader.h"
#include "ordered_sum.h"

namespace radin {

namespace {

// Samples whose sum is one term of the total: part of the bits, equal to BLOCK_SAMPLES in lib/cross-entropy.ts.
constexpr size_t kBlockSamples = 256;
// The largest |z| of the float32 path, for losses, probabilities and squared errors: equal to NEAR in lib/cross-entropy.ts.
constexpr double kNear[] = {64.0, 512.0, 40.0};
constexpr int32_t kInfinityBits = 0x7f800000;

// The bits of the largest |x| for which a mixture's z stay near. The sum is 1 unless there are temperatures.
int32_t near_bits(RadinSampleMeasure measure, const double* coefficients, size_t models) {
  double sum = 0.0;
  for (size_t k = 0; k < models; ++k) sum += coefficients[k];
  return static_cast<int32_t>(bit_cast<uint32_t>(static_cast<float>(kNear[measure] / std::max(1.0, sum))));
}

// Sum over the classes of (p_c - [c = label])^2, from the sums of e and e^2, e = p times `sum`, and the label's e.
double squared_error(double sum, double squares, double label) {
  const double others = sum - label;
  return ((squares - label * label) + others * others) / (sum * sum);
}

// Mixtures of one pass over a tile: their sums stay in the first two caches.
constexpr size_t kPassMixtures = 512;
constexpr size_t kPassBytes = size_t{1} << 20;

// Sums of a mixture besides that of its exponentials: weighted by each model's logits, or of their squares.
size_t further_sums(const RadinCrossEntropy& request) {
  if (request.gradients != nullptr) return request.logits.models;
  return request.measure == RADIN_SQUARED_ERROR ? 1 : 0;
}

size_t pass_mixtures(size_t further) {
  const size_t bytes = kTileLanes * (sizeof(float) + sizeof(double)) * (further + 1);
  return std::clamp<size_t>(kPassBytes / bytes, 1, kPassMixtures);
}

struct Passes {
  std::vector<MixturePlan> plans;
  std::vector<size_t> first_row;
  std::vector<std::vector<int32_t>> near;  // of each plan's mixtures
  std::vector<int32_t> least_near;
  size_t most_slots = 0, most_mixtures = 0;

  Passes(const RadinCrossEntropy& request, const RadinRun& run) {
    const size_t models = request.logits.models;
    const size_t step = pass_mixtures(further_sums(request));
    // One pass even without mixtures, for the check of the logits.
    for (size_t first = 0; first == 0 || first < request.mixtures; first += step) {
      if (is_cancelled(run)) return;
      plans.emplace_back(request.coefficients + first * models, std::min(step, request.mixtures - first), models);
      first_row.push_back(first);
      most_slots = std::max(most_slots, plans.back().slots());
      most_mixtures = std::max(most_mixtures, plans.back().mixtures());
      near.emplace_back();
      for (size_t s = 0; s < plans.back().mixtures(); ++s) {
        near.back().push_back(near_bits(request.measure, plans.back().coefficients(s), models));
      }
      least_near.push_back(near.back().empty() ? 0 : *std::min_element(near.back().begin(), near.back().end()));
    }
  }
};

// One thread's work on one tile after the other.
class TileScorer {
 public:
  TileScorer(const InstructionSet& set, const RadinCrossEntropy& request, const Passes& passes, Sources& sources,
             const RadinRun& run)
      : kernels_(set.cross_entropy),
        request_(request),
        passes_(passes),
        run_(run),
        models_(request.logits.models),
        with_gradient_(request.gradients != nullptr),
        with_squares_(request.measure == RADIN_SQUARED_ERROR),
        further_(further_sums(request)),
        reader_(request.logits, sources, set.cross_entropy),
        slots_(passes.most_slots * kSlotFloats),
        largest_(models_ * kTileLanes),
        sums_(passes.most_mixtures * kTileLanes),
        sums64_(sums_.size()),
        moments_(sums_.size() * further_),
        moments64_(moments_.size()),
        far_tops_(sums_.size()),
        far_sums_(sums_.size()),
        far_moments_(moments_.size()),
        far_slots_(models_ * kSlotFloats),
        block_(request.mixtures * (with_gradient_ ? models_ + 1 : 1)) {
    far_.reserve(passes.most_mixtures);
  }

  // The sums of a block: [S] totals, then [S, N] gradients. Of no use once the call has been stopped.
  const double* score_block(size_t block) {
    std::fill(block_.begin(), block_.end(), 0.0);
    const size_t end = std::min((block + 1) * kBlockSamples, request_.logits.samples);
    for (size_t sample = block * kBlockSamples; sample < end; sample += kTileLanes) {
      first_sample_ = sample;
      lanes_ = std::min(kTileLanes, end - sample);
      for (size_t pass = 0; pass < passes_.plans.size(); ++pass) {
        if (!score_tile(pass)) return block_.data();
      }
    }
    return block_.data();
  }

  uint64_t first_nonfinite() const { return first_nonfinite_; }

 private:
  // False where the call is to stop.
  bool score_tile(size_t pass) {
    const MixturePlan& plan = passes_.plans[pass];
    const size_t first_row = passes_.first_row[pass];
    std::fill(largest_.begin(), largest_.end(), 0);
    std::fill_n(sums64_.begin(), plan.mixtures() * kTileLanes, 0.0);
    std::fill(moments64_.begin(), moments64_.end(), 0.0);
    if (!walk(plan)) return false;
    if (first_nonfinite_ != UINT64_MAX) return true;
    if (!score_far(pass)) return false;
    if (with_gradient_) add_gradients(plan, first_row);
    const bool is_loss = request_.measure == RADIN_LOSS;
    if (is_loss) {
      kernels_.logarithms(sums64_.data(), plan.mixtures() * kTileLanes);
    } else if (with_squares_) {
      for (size_t i = 0; i < plan.mixtures() * kTileLanes; ++i) {
        sums64_[i] = squared_error(sums64_[i], moments64_[i], 1.0);
      }
    } else {
      for (size_t i = 0; i < plan.mixtures() * kTileLanes; ++i) sums64_[i] = 1.0 / sums64_[i];
    }
    for_each_far_lane([&](size_t at, size_t) {
      if (with_squares_) {
        sums64_[at] = squared_error(far_sums_[at], far_moments_[at], exp_nonpositive(-far_tops_[at]));
        return;
      }
      const double loss = log_at_least_one(far_sums_[at]) + far_tops_[at];
      sums64_[at] = is_loss ? loss : exp_nonpositive(-loss);
    });
    for (size_t s = 0; s < plan.mixtures(); ++s) {
      double& total = block_[first_row + plan.row(s)];
      for (size_t lane = 0; lane < lanes_; ++lane) total += sums64_[s * kTileLanes + lane];
    }
    return true;
  }

  template <class Step>
  bool for_each_step(const Step& step) {
    return reader_.for_each_step(run_, first_sample_, lanes_, step, [&] { look_for_nonfinite(); });
  }

  bool walk(const MixturePlan& plan) {
    const CrossEntropyPlan view = plan.view();
    const size_t sums = plan.mixtures() * kTileLanes;
    std::fill_n(sums_.begin(), sums, 0.0f);
    std::fill(moments_.begin(), moments_.end(), 0.0f);
    return for_each_step([&](size_t c, size_t count, bool block_ends) {
      kernels_.load(reader_.rows(), c, count, slots_.data(), largest_.data());
      kernels_.share(view, slots_.data());
      if (with_gradient_) {
        kernels_.add_with_moments(view, slots_.data(), count, sums_.data(), moments_.data());
      } else if (with_squares_) {
        kernels_.add_with_squares(view, slots_.data(), count, sums_.data(), moments_.data());
      } else if (request_.measure == RADIN_PROBABILITY) {
        kernels_.add_clamped(view, slots_.data(), count, sums_.data());
      } else {
        kernels_.add(view, slots_.data(), count, sums_.data());
      }
      if (!block_ends) return;
      kernels_.carry(sums_.data(), sums, sums64_.data());
      kernels_.carry(moments_.data(), sums * further_, moments64_.data());
    });
  }

  void look_for_nonfinite() {
    const bool is_suspect = std::any_of(largest_.begin(), largest_.end(), [](int32_t x) { return x >= kInfinityBits; });
    if (is_suspect) first_nonfinite_ = std::min(first_nonfinite_, reader_.first_nonfinite());
  }

  // A mixture that has far samples among the lanes.
  struct Far {
    size_t mixture;
    uint32_t lanes;
  };

  void find_far(size_t pass) {
    far_.clear();
    const MixturePlan& plan = passes_.plans[pass];
    const int32_t least = passes_.least_near[pass];
    if (std::none_of(largest_.begin(), largest_.end(), [&](int32_t bits) { return bits > least; })) return;
    for (size_t s = 0; s < plan.mixtures(); ++s) {
      uint32_t lanes = 0;
      const int32_t near = passes_.near[pass][s];
      for (size_t k = 0; k < models_; ++k) {
        if (!with_gradient_ && plan.coefficients(s)[k] == 0.0) continue;
        for (size_t lane = 0; lane < lanes_; ++lane) {
          lanes |= static_cast<uint32_t>(largest_[k * kTileLanes + lane] > near) << lane;
        }
      }
      if (lanes != 0) far_.push_back({s, lanes});
    }
  }

  // In two walks: the largest z of each far sample, then the sums.
  bool score_far(size_t pass) {
    const MixturePlan& plan = passes_.plans[pass];
    find_far(pass);
    if (far_.empty()) return true;
    std::fill(far_tops_.begin(), far_tops_.end(), -std::numeric_limits<double>::infinity());
    std::fill(far_sums_.begin(), far_sums_.end(), 0.0);
    std::fill(far_moments_.begin(), far_moments_.end(), 0.0);
    return for_each_step([&](size_t c, size_t count, bool) {
             kernels_.load_far(reader_.rows(), c, count, far_slots_.data());
             for (const Far& far : far_) {
               kernels_.far_tops(models_, plan.coefficients(far.mixture), far_slots_.data(), count,
                                 &far_tops_[far.mixture * kTileLanes]);
             }
           }) &&
           for_each_step([&](size_t c, size_t count, bool) {
             kernels_.load_far(reader_.rows(), c, count, far_slots_.data());
             for (const Far& far : far_) {
               double* const moments =
                   with_gradient_ ? &far_moments_[far.mixture * models_ * kTileLanes] : nullptr;
               kernels_.far_sums(models_, plan.coefficients(far.mixture), far_slots_.data(), count,
                                 &far_tops_[far.mixture * kTileLanes], &far_sums_[far.mixture * kTileLanes], moments);
               if (with_squares_) {
                 kernels_.far_squares(models_, plan.coefficients(far.mixture), far_slots_.data(), count,
                                      &far_tops_[far.mixture * kTileLanes], &far_moments_[far.mixture * kTileLanes]);
               }
             }
           });
  }

  // Calls visit(index in [S, 16], lane).
  template <class Visit>
  void for_each_far_lane(const Visit& visit) const {
    for (const Far& far : far_) {
      for (size_t lane = 0; lane < kTileLanes; ++lane) {
        if (far.lanes >> lane & 1) visit(far.mixture * kTileLanes + lane, lane);
      }
    }
  }

  void add_gradients(const MixturePlan& plan, size_t first_row) {
    for_each_far_lane([&](size_t at, size_t lane) {
      sums64_[at] = far_sums_[at];
      const size_t first = (at - lane) * models_ + lane;  // in [S, N, 16]
      for (size_t i = first; i < first + models_ * kTileLanes; i += kTileLanes) moments64_[i] = far_moments_[i];
    });
    double* const gradients = block_.data() + request_.mixtures;
    for (size_t s = 0; s < plan.mixtures(); ++s) {
      const double* const sums = &sums64_[s * kTileLanes];
      for (size_t k = 0; k < models_; ++k) {
        double& gradient = gradients[(first_row + plan.row(s)) * models_ + k];
        const double* const moments = &moments64_[(s * models_ + k) * kTileLanes];
        for (size_t lane = 0; lane < lanes_; ++lane) gradient += moments[lane] / sums[lane];
      }
    }
  }

  const CrossEntropyKernels& kernels_;
  const RadinCrossEntropy& request_;
  const Passes& passes_;
  const RadinRun& run_;
  const size_t models_;
  const bool with_gradient_;
  const bool with_squares_;
  const size_t further_;
  LogitReader reader_;
  std::vector<float> slots_;
  std::vector<int32_t> largest_;   // [N, 16], bits of the largest |x|
  std::vector<float> sums_;        // [S, 16], of a block of classes
  std::vector<double> sums64_;     // [S, 16]
  std::vector<float> moments_;     // [S, N, 16] with a gradient, [S, 16] squares for squared errors
  std::vector<double> moments64_;  // the same
  std::vector<Far> far_;
  std::vector<double> far_tops_, far_sums_;  // [S, 16]
  std::vector<double> far_moments_;          // as moments_
  std::vector<double> far_slots_;
  std::vector<double> block_;
  size_t first_sample_ = 0, lanes_ = 0;
  uint64_t first_nonfinite_ = UINT64_MAX;
};

}  // namespace

RadinStatus cross_entropy(const InstructionSet& set, const RadinCrossEntropy& request, const RadinRun& run) {
  const RadinLogits& logits = request.logits;
  const size_t blocks = (logits.samples + kBlockSamples - 1) / kBlockSamples;
  Sources sources(logits.sources, logits.models);
  const size_t results = request.mixtures * (request.gradients != nullptr ? logits.models + 1 : 1);
  std::vector<double> totals(results, 0.0);
  uint64_t first_nonfinite = UINT64_MAX;
  if (blocks > 0 && !sources.has_failed()) {  // no samples, no rows: only where there are logits is C bounded by memory
    const Passes passes(request, run);
    if (is_cancelled(run)) return RADIN_STOPPED;
    std::vector<TileScorer> scorers;
    const uint32_t workers = worker_count(run, blocks);
    scorers.reserve(workers);
    for (uint32_t i = 0; i < workers; ++i) scorers.emplace_back(set, request, passes, sources, run);
    OrderedSum sum(totals.data(), results);
    const RadinStatus status = for_each_block(run, blocks, [&](uint32_t worker, size_t block) {
      sum.add(block, scorers[worker].score_block(block));
    });
    if (status != RADIN_DONE) return status;
    for (const TileScorer& scorer : scorers) first_nonfinite = std::min(first_nonfinite, scorer.first_nonfinite());
  }
  if (!sources.finish(run.source)) return RADIN_SOURCE_FAILED;
  std::copy_n(totals.begin(), request.mixtures, request.totals);
  if (request.gradients != nullptr) std::copy(totals.begin() + request.mixtures, totals.end(), request.gradients);
  *request.first_nonfinite = first_nonfinite;
  return RADIN_DONE;
}

}  // namespace radin
