// What an average needs of its request, wherever it is computed: which models, each output's recipe, the first NaN.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "kernels/average_kernels.h"

namespace radin {

// The models that some output uses, and every output's recipe in terms of them.
struct AveragePlan {
  std::vector<size_t> models;  // [S], ascending: the streams
  std::vector<uint32_t> stream;
  std::vector<double> weights;
  std::vector<AverageRecipe> recipes;  // [B], pointing into `stream` and `weights`

  explicit AveragePlan(const RadinAverage& request);
  AveragePlan(const AveragePlan&) = delete;

  // [T, S]: the sources of the models in use.
  std::vector<RadinSource> used_sources(const RadinAverage& request) const;

  // A failure to read one of `used_sources`, by the source's index among all of the request's.
  RadinSourceFailure in_request(RadinSourceFailure failure, size_t models_of_request) const {
    failure.source = failure.source / models.size() * models_of_request + models[failure.source % models.size()];
    return failure;
  }
};

// The first NaN of the ingredients in the order of tensors, models and elements, which threads report concurrently.
class FirstNan {
 public:
  // Looks through the elements [begin, begin + count) of a tensor; `stream` [S] are those elements of each model.
  void look(RadinDtype dtype, size_t tensor, size_t begin, size_t count, const std::vector<size_t>& models,
            const uint8_t* const* stream);

  // Tensor, model, element, or UINT64_MAX three times.
  void write(uint64_t* first_nan) const;

 private:
  std::mutex mutex_;
  uint64_t first_[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
};

}  // namespace radin
