#include "logits_arguments.h"

namespace radin {

LogitsArguments::LogitsArguments(const Arguments& arguments, size_t position) {
  const Span<int32_t> dtypes = arguments.int32(arguments[position], "Expected an Int32Array for dtypes");
  sources_ = arguments.sources(arguments[position + 1], arguments[position + 2]);
  classes_ = arguments.size(arguments[position + 3], "Expected an integer for classes");
  const Span<int32_t> labels = arguments.int32(arguments[position + 4], "Expected an Int32Array for labels");
  if (sources_.empty() || classes_ == 0) throw ArgumentError{"Expected at least one model and one class"};
  if (dtypes.size != sources_.size()) throw ArgumentError{"Expected a dtype for each model"};
  for (size_t model = 0; model < sources_.size(); ++model) {
    const int32_t code = dtypes.data[model];
    if (code < RADIN_F16 || code > RADIN_F64) throw ArgumentError{"Expected a known code for dtypes"};
    const uint64_t size = code == RADIN_F64 ? 8 : code == RADIN_F32 ? 4 : 2;
    const uint64_t bytes = sources_[model].bytes;
    // Divided, because M x C could overflow.
    const bool fits = labels.size == 0 ? bytes == 0
                                       : bytes % size == 0 && bytes / size % labels.size == 0 &&
                                             bytes / size / labels.size == classes_;
    if (!fits) throw ArgumentError{"Expected M x C logits of each model"};
    dtypes_.push_back(static_cast<RadinDtype>(code));
  }
  labels_.assign(labels.data, labels.data + labels.size);
  for (const int32_t label : labels_) {
    if (label < 0 || static_cast<size_t>(label) >= classes_) throw ArgumentError{"Expected labels below C"};
  }
}

void require_mixture(const double* coefficients, size_t models) {
  double sum = 0.0;
  for (size_t k = 0; k < models; ++k) {
    if (!(coefficients[k] >= 0.0)) throw ArgumentError{"Expected coefficients of at least 0"};
    sum += coefficients[k];
  }
  if (!(sum > 0.0 && sum < 2.0)) throw ArgumentError{"Expected coefficients with the sum 1"};
}

}  // namespace radin
