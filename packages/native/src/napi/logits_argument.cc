#include "logits_argument.h"

#include "dtypes.h"

namespace radin {

LogitsArgument::LogitsArgument(const Arguments& arguments, size_t first)
    : sources_(arguments.sources(arguments[first], arguments[first + 1])),
      classes_(arguments.size(arguments[first + 3], "Expected an integer for classes")) {
  const Span<int32_t> dtypes = arguments.int32(arguments[first + 2], "Expected an Int32Array for dtypes");
  const Span<int32_t> labels = arguments.int32(arguments[first + 4], "Expected an Int32Array for labels");
  if (sources_.empty() || classes_ == 0) throw ArgumentError{"Expected at least one model and one class"};
  if (sources_.size() > UINT16_MAX || labels.size >= UINT32_MAX || classes_ > UINT32_MAX) {
    throw ArgumentError{"Expected fewer than 2^16 models, 2^32 samples and 2^32 classes"};
  }
  if (dtypes.size != sources_.size()) throw ArgumentError{"Expected a dtype for each model"};
  for (size_t model = 0; model < sources_.size(); ++model) {
    dtypes_.push_back(dtype_of(dtypes.data[model]));
    // Divided, because M x C could overflow.
    const uint64_t elements = sources_[model].bytes / bytes_of(dtypes_[model]);
    const bool is_whole = elements * bytes_of(dtypes_[model]) == sources_[model].bytes;
    const bool fits = labels.size == 0 ? elements == 0
                                       : elements % labels.size == 0 && elements / labels.size == classes_;
    if (!is_whole || !fits) throw ArgumentError{"Expected M x C logits of each model"};
  }
  labels_.assign(labels.data, labels.data + labels.size);
  for (const int32_t label : labels_) {
    if (label < 0 || static_cast<size_t>(label) >= classes_) throw ArgumentError{"Expected labels below C"};
  }
}

}  // namespace radin
