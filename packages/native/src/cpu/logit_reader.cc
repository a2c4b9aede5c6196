#include "logit_reader.h"

#include <algorithm>
#include <cstring>

#include "dtype_bytes.h"
#include "float_formats.h"

namespace radin {

namespace {

constexpr size_t kWindowFloats = size_t{1} << 18;      // for all models: stays in the second-level cache
constexpr size_t kMostWindowFloats = size_t{1} << 22;  // where 16 whole rows of each model would take more
constexpr size_t kWindowSamples = 256;
constexpr size_t kRawBytes = size_t{1} << 16;

}  // namespace

LogitReader::LogitReader(const RadinLogits& logits, Sources& sources, const CrossEntropyKernels& kernels)
    : logits_(logits),
      sources_(sources),
      kernels_(kernels),
      window_samples_(kTileLanes),
      window_classes_(logits.classes),
      buffer_of_(logits.models, 0),
      raw_(kRawBytes),
      rows_(logits.models * kTileLanes),
      labels_(logits.models * kTileLanes) {
  size_t buffered = 0;
  for (size_t k = 0; k < logits.models; ++k) buffered += !is_direct(k);
  if (buffered == 0) return;
  const size_t row_floats = kMostWindowFloats / (kTileLanes * buffered);
  if (logits.classes > row_floats) window_classes_ = std::max(row_floats / kRowPart, size_t{1}) * kRowPart;
  if (window_classes_ > logits.classes) window_classes_ = logits.classes;
  if (window_classes_ == logits.classes) {
    const size_t samples = kWindowFloats / (buffered * logits.classes) / kTileLanes * kTileLanes;
    window_samples_ = std::clamp(samples, kTileLanes, kWindowSamples);
  }
  size_t floats = 0;
  for (size_t k = 0; k < logits.models; ++k) {
    buffer_of_[k] = floats;
    if (!is_direct(k)) floats += window_samples_ * window_classes_;
  }
  buffer_.resize(floats);
}

bool LogitReader::read(size_t model, size_t first_element, size_t count, float* to) {
  const RadinDtype dtype = logits_.dtypes[model];
  const size_t size = bytes_of(dtype);
  while (count > 0) {
    const bool is_plain = dtype == RADIN_F32;
    const size_t part = is_plain ? count : std::min(count, kRawBytes / size);
    uint8_t* const buffer = is_plain ? reinterpret_cast<uint8_t*>(to) : raw_.data();
    const uint8_t* const bytes = sources_.read(model, uint64_t{first_element} * size, part * size, buffer);
    if (bytes == nullptr) return false;
    if (bytes != reinterpret_cast<uint8_t*>(to)) kernels_.to_float32(dtype, bytes, part, to);
    first_element += part;
    count -= part;
    to += part;
  }
  return true;
}

bool LogitReader::fill(const Window& window) {
  const size_t classes = std::min(window_classes_, logits_.classes - window.first_class);
  for (size_t k = 0; k < logits_.models; ++k) {
    if (is_direct(k)) continue;
    float* const to = buffer_.data() + buffer_of_[k];
    const size_t begin = window.first_sample * logits_.classes;
    if (window_classes_ == logits_.classes) {
      if (!read(k, begin, window.samples * classes, to)) return false;
      continue;
    }
    for (size_t row = 0; row < window.samples; ++row) {
      if (!read(k, begin + row * logits_.classes + window.first_class, classes, to + row * window_classes_)) {
        return false;
      }
    }
  }
  window_ = window;
  return true;
}

bool LogitReader::load(size_t first_sample, size_t lanes, size_t first_class) {
  if (sources_.has_failed()) return false;
  const bool is_there = first_sample >= window_.first_sample &&
                        first_sample + lanes <= window_.first_sample + window_.samples &&
                        first_class == window_.first_class;
  if (!buffer_.empty() && !is_there) {
    window_.samples = 0;
    if (!fill({first_sample, std::min(window_samples_, logits_.samples - first_sample), first_class})) return false;
  }
  for (size_t k = 0; k < logits_.models; ++k) {
    for (size_t lane = 0; lane < kTileLanes; ++lane) {
      const size_t sample = first_sample + (lane < lanes ? lane : 0);
      const size_t label = static_cast<size_t>(logits_.labels[sample]);
      const uint8_t*& row = rows_[k * kTileLanes + lane];
      float& logit = labels_[k * kTileLanes + lane];
      if (is_direct(k)) {
        const uint8_t* const whole = logits_.sources[k].memory + sample * logits_.classes * sizeof(float);
        row = whole + first_class * sizeof(float);
        std::memcpy(&logit, whole + label * sizeof(float), sizeof logit);
        continue;
      }
      const size_t at = buffer_of_[k] + (sample - window_.first_sample) * window_classes_;
      row = reinterpret_cast<const uint8_t*>(buffer_.data() + at);
      if (window_classes_ == logits_.classes) {
        logit = buffer_[at + label];
      } else if (!read(k, sample * logits_.classes + label, 1, &logit)) {
        return false;
      }
    }
  }
  loaded_sample_ = first_sample;
  loaded_lanes_ = lanes;
  loaded_class_ = first_class;
  return true;
}

size_t LogitReader::loaded_classes() const { return std::min(window_classes_, logits_.classes - loaded_class_); }

uint64_t LogitReader::first_nonfinite() const {
  constexpr uint32_t kExponent = 0x7f800000;
  const size_t classes = loaded_classes();
  for (size_t k = 0; k < logits_.models; ++k) {
    for (size_t lane = 0; lane < loaded_lanes_; ++lane) {
      const uint8_t* const row = rows_[k * kTileLanes + lane];
      for (size_t c = 0; c < classes; ++c) {
        uint32_t bits;
        std::memcpy(&bits, row + c * sizeof bits, sizeof bits);
        if ((bits & kExponent) != kExponent) continue;
        const uint64_t sample = uint64_t{k} * logits_.samples + loaded_sample_ + lane;
        return sample * logits_.classes + loaded_class_ + c;
      }
    }
  }
  return UINT64_MAX;
}

}  // namespace radin
