#include "average_plan.h"

#include <algorithm>
#include <cstring>

#include "dtype_bytes.h"

namespace radin {

namespace {

bool is_nan(RadinDtype dtype, const uint8_t* element) {
  uint64_t bits = 0;
  std::memcpy(&bits, element, bytes_of(dtype));  // little-endian
  switch (dtype) {
    case RADIN_F16: return (bits & 0x7fff) > 0x7c00;
    case RADIN_BF16: return (bits & 0x7fff) > 0x7f80;
    case RADIN_F32: return (bits & 0x7fffffff) > 0x7f800000;
    case RADIN_F64: return (bits & ~(uint64_t{1} << 63)) > 0x7ff0000000000000;
  }
  return false;
}

}  // namespace

AveragePlan::AveragePlan(const RadinAverage& request) {
  std::vector<uint32_t> stream_of(request.models);
  for (size_t k = 0; k < request.models; ++k) {
    stream_of[k] = static_cast<uint32_t>(models.size());
    bool is_used = false;
    for (size_t b = 0; b < request.outputs; ++b) is_used |= request.weights[b * request.models + k] > 0.0;
    if (is_used) models.push_back(k);
  }
  std::vector<size_t> begin;
  for (size_t b = 0; b < request.outputs; ++b) {
    begin.push_back(stream.size());
    for (size_t k = 0; k < request.models; ++k) {
      const double weight = request.weights[b * request.models + k];
      if (!(weight > 0.0)) continue;
      stream.push_back(stream_of[k]);
      weights.push_back(weight);
    }
  }
  begin.push_back(stream.size());
  for (size_t b = 0; b < request.outputs; ++b) {
    const double* const first = weights.data() + begin[b];
    const double* const end = weights.data() + begin[b + 1];
    const size_t ingredients = begin[b + 1] - begin[b];
    const bool is_mean = request.divisors[b] == static_cast<double>(ingredients) && ingredients <= kMostOfMean &&
                         std::all_of(first, end, [](double weight) { return weight == 1.0; });
    recipes.push_back({ingredients, stream.data() + begin[b], first, is_mean, request.divisors[b]});
  }
}

std::vector<RadinSource> AveragePlan::used_sources(const RadinAverage& request) const {
  std::vector<RadinSource> used;
  for (size_t t = 0; t < request.tensors; ++t) {
    for (const size_t model : models) used.push_back(request.sources[t * request.models + model]);
  }
  return used;
}

void FirstNan::look(RadinDtype dtype, size_t tensor, size_t begin, size_t count, const std::vector<size_t>& models,
                    const uint8_t* const* stream) {
  for (size_t s = 0; s < models.size(); ++s) {
    for (size_t i = 0; i < count; ++i) {
      if (!is_nan(dtype, stream[s] + i * bytes_of(dtype))) continue;
      const uint64_t found[3] = {tensor, models[s], begin + i};
      const std::lock_guard<std::mutex> lock(mutex_);
      if (std::lexicographical_compare(found, found + 3, first_, first_ + 3)) std::copy(found, found + 3, first_);
      return;
    }
  }
}

void FirstNan::write(uint64_t* first_nan) const { std::copy(first_, first_ + 3, first_nan); }

}  // namespace radin
