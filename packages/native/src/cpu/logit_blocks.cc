#include "logit_blocks.h"

#include <algorithm>
#include <cstring>

#include "dtype_bytes.h"

namespace radin {

namespace {

// The rows of all models in a block, in bytes of float32: a share of 1 MiB for each model of a pool of 32, which is what
// reading files wants (see source.h), and of the second-level cache for none; tiles see to that.
constexpr size_t kBlockBytes = size_t{32} << 20;

}  // namespace

LogitBlocks::LogitBlocks(const InstructionSet& set, const RadinLogits& logits, Sources& sources)
    : set_(set), logits_(logits), sources_(sources), rows_(logits.models) {}

size_t LogitBlocks::block_samples(const RadinLogits& logits) {
  const size_t row_bytes = 4 * logits.classes;
  // No more than 1 MiB of each model: larger pieces only fall out of the cache.
  const size_t model_bytes = std::min(kReadBytes, kBlockBytes / logits.models);
  return std::clamp<size_t>(model_bytes / row_bytes, 1, std::max<size_t>(logits.samples, 1));
}

bool LogitBlocks::load(size_t begin, size_t count) {
  const size_t classes = logits_.classes;
  const size_t size = count * classes;
  const size_t stride = size + kRowPadding;
  for (size_t k = 0; k < logits_.models; ++k) {
    const RadinDtype dtype = logits_.dtypes[k];
    const uint64_t position = static_cast<uint64_t>(begin) * classes * bytes_of(dtype);
    const size_t bytes = size * bytes_of(dtype);
    const bool is_last = begin + count == logits_.samples;
    const RadinSource& source = logits_.sources[k];
    const bool is_aligned = reinterpret_cast<uintptr_t>(source.memory) % alignof(float) == 0;
    if (dtype == RADIN_F32 && !sources_.is_file(k) && !is_last && is_aligned) {
      rows_[k] = reinterpret_cast<const float*>(source.memory + position);
      continue;
    }
    if (floats_.size() < logits_.models * stride) floats_ = AlignedArray<float>(logits_.models * stride);
    float* const floats = floats_.data() + k * stride;
    rows_[k] = floats;
    if (dtype == RADIN_F32) {
      const uint8_t* const read = sources_.read(k, position, bytes, reinterpret_cast<uint8_t*>(floats));
      if (read == nullptr) return false;
      if (read != reinterpret_cast<uint8_t*>(floats)) std::memcpy(floats, read, bytes);
      continue;
    }
    if (sources_.is_file(k) && bytes_.size() < bytes) bytes_ = AlignedArray<uint8_t>(bytes);
    const uint8_t* const read = sources_.read(k, position, bytes, bytes_.data());
    if (read == nullptr) return false;
    if (dtype == RADIN_F16) set_.bank.widen_f16(read, size, floats);
    if (dtype == RADIN_BF16) set_.bank.widen_bf16(read, size, floats);
    if (dtype == RADIN_F64) {
      for (size_t i = 0; i < size; ++i) {
        double value;
        std::memcpy(&value, read + 8 * i, sizeof value);
        floats[i] = static_cast<float>(value);
      }
    }
  }
  return true;
}

}  // namespace radin
