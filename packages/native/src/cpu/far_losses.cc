#include "far_losses.h"

#include <algorithm>
#include <limits>

#include "elementary.h"

namespace radin {

FarLosses::FarLosses(const CrossEntropyKernels& kernels, size_t models)
    : kernels_(kernels),
      models_(models),
      coefficients_((models + 1) * models, 0.0),
      slots_(models * kSlotFloats),
      tops_((models + 1) * kTileLanes),
      sums_(tops_.size()),
      moments_(models * kTileLanes) {
  for (size_t k = 0; k < models; ++k) {
    coefficients_[k * models + k] = 1.0;
    coefficients_[models * models + k] = 1.0 / static_cast<double>(models);
  }
}

bool FarLosses::add(LogitReader& reader, const RadinRun& run, size_t first_sample, size_t lanes, uint32_t far,
                    FarBounds* bounds) {
  std::fill(tops_.begin(), tops_.end(), -std::numeric_limits<double>::infinity());
  std::fill(sums_.begin(), sums_.end(), 0.0);
  std::fill(moments_.begin(), moments_.end(), 0.0);
  const auto nothing = [] {};
  const auto find_tops = [&](size_t c, size_t count, bool) {
    kernels_.load_far(reader.rows(), c, count, slots_.data());
    for (size_t s = 0; s <= models_; ++s) {
      kernels_.far_tops(models_, &coefficients_[s * models_], slots_.data(), count, &tops_[s * kTileLanes]);
    }
  };
  const auto add_up = [&](size_t c, size_t count, bool) {
    kernels_.load_far(reader.rows(), c, count, slots_.data());
    for (size_t s = 0; s <= models_; ++s) {
      kernels_.far_sums(models_, &coefficients_[s * models_], slots_.data(), count, &tops_[s * kTileLanes],
                        &sums_[s * kTileLanes], s == models_ ? moments_.data() : nullptr);
    }
  };
  if (!reader.for_each_step(run, first_sample, lanes, find_tops, nothing)) return false;
  if (!reader.for_each_step(run, first_sample, lanes, add_up, nothing)) return false;
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (!(far >> lane & 1)) continue;
    const auto loss = [&](size_t s) {
      return log_at_least_one(sums_[s * kTileLanes + lane]) + tops_[s * kTileLanes + lane];
    };
    bounds->constant += loss(models_);
    for (size_t k = 0; k < models_; ++k) {
      bounds->upper[k] += loss(k);
      const double slope = moments_[k * kTileLanes + lane] / sums_[models_ * kTileLanes + lane];
      bounds->lower[k] += slope;
      bounds->constant -= slope / static_cast<double>(models_);
    }
  }
  return true;
}

}  // namespace radin
