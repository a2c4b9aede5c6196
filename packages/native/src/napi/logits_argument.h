// Five arguments that are N models' logits with their labels: arrays, ranges, dtypes, classes, labels.
#pragma once

#include <vector>

#include "arguments.h"

namespace radin {

class LogitsArgument {
 public:
  // Reads the arguments from position `first` on. Labels are copied: one that changed after its check would read outside
  // of a row. @throws ArgumentError
  LogitsArgument(const Arguments& arguments, size_t first);

  RadinLogits view() const {
    return {sources_.size(), labels_.size(), classes_, sources_.data(), dtypes_.data(), labels_.data()};
  }

 private:
  std::vector<RadinSource> sources_;
  std::vector<RadinDtype> dtypes_;
  std::vector<int32_t> labels_;
  size_t classes_;
};

}  // namespace radin
