#include "logits_arguments.h"

#include "dtypes.h"

namespace radin {

LogitsArguments::LogitsArguments(const Arguments& arguments, size_t position) {
  const Span<int32_t> dtypes = arguments.int32(arguments[position], "Expected an Int32Array for dtypes");
  sources_ = arguments.sources(arguments[position + 1], arguments[position + 2]);
  classes_ = arguments.size(arguments[position + 3], "Expected an integer for classes");
  const Span<int32_t> labels = arguments.int32(arguments[position + 4], "Expected an Int32Array for labels");
  if (sources_.empty() || classes_ == 0) throw ArgumentError{"Expected at least one model and one class"};
  if (sources_.size() > UINT16_MAX || labels.size >= UINT32_MAX || classes_ > UINT32_MAX) {
    throw ArgumentError{"Expected fewer than 2^16 models, 2^32 samples and 2^32 classes"};
  }
  if (dtypes.size != sources_.size()) throw ArgumentError{"Expected a dtype for each model"};
  for (size_t model = 0; model < sources_.size(); ++model) {
    const RadinDtype dtype = dtype_of(dtypes.data[model]);
    const uint64_t size = bytes_of(dtype);
    const uint64_t bytes = sources_[model].bytes;
    // Divided, because M x C could overflow.
    const bool fits = labels.size == 0 ? bytes == 0
                                       : bytes % size == 0 && bytes / size % labels.size == 0 &&
                                             bytes / size / labels.size == classes_;
    if (!fits) throw ArgumentError{"Expected M x C logits of each model"};
    dtypes_.push_back(dtype);
  }
  labels_.assign(labels.data, labels.data + labels.size);
  for (const int32_t label : labels_) {
    if (label < 0 || static_cast<size_t>(label) >= classes_) throw ArgumentError{"Expected labels below C"};
  }
}

void require_mixture(const double* coefficients, size_t models, double most_sum) {
  double sum = 0.0;
  for (size_t k = 0; k < models; ++k) {
    if (!(coefficients[k] >= 0.0)) throw ArgumentError{"Expected coefficients of at least 0"};
    sum += coefficients[k];
  }
  if (!(sum > 0.0 && sum < most_sum)) throw ArgumentError{"Expected coefficients with the sum 1"};
}

}  // namespace radin
