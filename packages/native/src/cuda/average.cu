// Weighted averages of models, piece by piece.
//
// Fused: widening, the float64 sum over an output's ingredients in their order, the division, the test whether all
// ingredients are equal bit for bit, and the one rounding, to the contract's bits: compiled without fused
// multiply-adds.
// Never in device memory: widened copies, or more of a model than the pieces under way, so pools may be larger than it.
// Shapes: streams S x [elements], outputs B x [elements].
// Memory: per slot S + (outputs at once) pieces in pinned host memory, and the same on the device. Slots of all threads
// together stay within the call's memory limit and half of the device's free memory.
// When it pays: the ingredients cross the bus once for all outputs, so with many outputs. For one output of tensors in
// host memory the bus is slower than the CPU's own memory.

#include "average.h"

#include <algorithm>
#include <cstring>

#include "../cpu/average_plan.h"
#include "../cpu/dtype_bytes.h"
#include "../cpu/float_formats.h"
#include "../cpu/source.h"
#include "device.h"
#include "pieces.h"

namespace radin {

namespace {

struct DeviceRecipe {
  size_t first, ingredients;  // in the plan's lists
  double divisor;
};

// One element of one output for each index, elements of an output side by side.
template <class Format>
struct AverageElements {
  const uint8_t* streams;  // S x [elements], `stride` bytes apart
  size_t stride;
  size_t elements;
  const DeviceRecipe* recipes;  // of the first output
  const uint32_t* stream;
  const double* weights;
  uint8_t* outputs;  // [elements], `stride` bytes apart
  uint32_t* has_nan;  // out: 1 if any quotient was NaN

  RADIN_ANYWHERE void operator()(size_t index) const {
    typedef typename Format::Bits Bits;
    const size_t output = index / elements;
    const size_t i = index % elements;
    const DeviceRecipe recipe = recipes[output];
    const Bits first = element<Bits>(recipe.first, i);
    double sum = weights[recipe.first] * Format::widen(first);
    Bits difference = 0;
    for (size_t at = recipe.first + 1; at < recipe.first + recipe.ingredients; ++at) {
      const Bits bits = element<Bits>(at, i);
      sum += weights[at] * Format::widen(bits);
      difference = static_cast<Bits>(difference | (bits ^ first));
    }
    const double quotient = sum / recipe.divisor;
    if (quotient != quotient) *has_nan = 1;
    Bits* const to = reinterpret_cast<Bits*>(outputs + output * stride);
    to[i] = difference == 0 ? first : Format::round(quotient);
  }

 private:
  template <class Bits>
  RADIN_ANYWHERE Bits element(size_t at, size_t i) const {
    return reinterpret_cast<const Bits*>(streams + stream[at] * stride)[i];
  }
};

// Of a slot; a piece of a dozen models is then a few hundred KiB of each, long enough for a bus.
constexpr size_t kSlotBytes = size_t{16} << 20;
// What pieces begin at in a slot.
constexpr size_t kAlignment = 256;
// Below this much of each model in a slot, fewer threads are better than smaller pieces.
constexpr size_t kLeastPiece = 4096;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// One call's state that its slots share.
struct Pass {
  const RadinAverage& request;
  const RadinRun& run;
  const AveragePlan plan;
  const std::vector<RadinSource> used;  // [T, S]
  Sources sources;
  FirstNan first_nan;
  DeviceArray<DeviceRecipe> recipes;
  DeviceArray<uint32_t> stream;
  DeviceArray<double> weights;
  size_t workers = 1;
  size_t piece_bytes = 0;      // of one model
  size_t outputs_at_once = 1;  // in a slot
  std::vector<size_t> first_piece;  // of each tensor; the last entry is the number of pieces

  Pass(const RadinAverage& asked, const RadinRun& of)
      : request(asked), run(of), plan(asked), used(plan.used_sources(asked)), sources(used.data(), used.size()) {
    size_t longest = 0;
    for (size_t t = 0; t < request.tensors; ++t) {
      longest = std::max(longest, request.tensor[t].elements * bytes_of(request.tensor[t].dtype));
    }
    divide_memory(longest);
    first_piece.push_back(0);
    for (size_t t = 0; t < request.tensors; ++t) {
      const size_t elements = piece_elements(t);
      first_piece.push_back(first_piece[t] + (request.tensor[t].elements + elements - 1) / elements);
    }
    workers = worker_count(workers, first_piece.back());
  }

  size_t piece_elements(size_t t) const { return piece_bytes / bytes_of(request.tensor[t].dtype); }

  void upload_plan() {
    std::vector<DeviceRecipe> made;
    for (const AverageRecipe& recipe : plan.recipes) {
      made.push_back({static_cast<size_t>(recipe.stream - plan.stream.data()), recipe.ingredients, recipe.divisor});
    }
    Stream stream_of_copies;
    upload(stream_of_copies, made.data(), made.size(), &recipes);
    upload(stream_of_copies, plan.stream.data(), plan.stream.size(), &stream);
    upload(stream_of_copies, plan.weights.data(), plan.weights.size(), &weights);
  }

 private:
  void divide_memory(size_t longest_tensor) {
    const size_t streams = plan.models.size();
    const size_t available = std::min(request.memory_limit, free_device_memory() / 2);
    const size_t wanted = worker_count(std::min(run.threads, kFeedingThreads), SIZE_MAX);
    workers = std::clamp<size_t>(available / (4 * streams * kLeastPiece), 1, wanted);
    const size_t slot = std::min(kSlotBytes, available / (2 * workers));
    // Half of a slot for ingredients, or less where that is enough for any tensor.
    const size_t fitting = std::max(slot / 2 / streams / kAlignment * kAlignment, kAlignment);
    piece_bytes = std::min(fitting, std::max(aligned(longest_tensor), kAlignment));
    const size_t rest = slot - std::min(slot, streams * piece_bytes);
    outputs_at_once = std::clamp<size_t>(rest / piece_bytes, 1, request.outputs);
  }
};

class Slot {
 public:
  explicit Slot(Pass& pass)
      : pass_(pass),
        staged_in_(pass.plan.models.size() * pass.piece_bytes),
        staged_out_(pass.outputs_at_once * pass.piece_bytes),
        staged_nan_(1),
        in_(staged_in_.size()),
        out_(staged_out_.size()),
        nan_(1) {}

  void start(size_t piece) {
    const auto after = std::upper_bound(pass_.first_piece.begin(), pass_.first_piece.end(), piece);
    tensor_ = static_cast<size_t>(after - pass_.first_piece.begin()) - 1;
    const RadinTensor& tensor = pass_.request.tensor[tensor_];
    begin_ = (piece - pass_.first_piece[tensor_]) * pass_.piece_elements(tensor_);
    elements_ = std::min(pass_.piece_elements(tensor_), tensor.elements - begin_);
    bytes_ = elements_ * bytes_of(tensor.dtype);
    stride_ = aligned(bytes_);
    const size_t streams = pass_.plan.models.size();
    for (size_t s = 0; s < streams; ++s) {
      if (pass_.sources.has_failed() || is_cancelled(pass_.run)) return;
      uint8_t* const to = staged_in_.data() + s * stride_;
      const uint8_t* const read =
          pass_.sources.read(tensor_ * streams + s, begin_ * bytes_of(tensor.dtype), bytes_, to);
      if (read == nullptr) return;
      if (read != to) std::memcpy(to, read, bytes_);
    }
    stream_.to_device(in_.data(), staged_in_.data(), streams * stride_);
    stream_.clear(nan_.data(), 1);
    launch(0);
    is_started_ = true;
  }

  void finish() {
    if (!is_started_) return;
    is_started_ = false;
    const RadinTensor& tensor = pass_.request.tensor[tensor_];
    for (size_t first = 0; first < pass_.request.outputs; first += pass_.outputs_at_once) {
      if (first > 0) launch(first);
      stream_.wait();
      if (is_cancelled(pass_.run)) return;
      for (size_t b = 0; b < outputs_from(first); ++b) {
        uint8_t* const to = tensor.outputs[first + b] + begin_ * bytes_of(tensor.dtype);
        std::memcpy(to, staged_out_.data() + b * stride_, bytes_);
      }
    }
    if (staged_nan_[0] != 0 && pass_.request.find_nan) look_for_nan(tensor.dtype);
  }

 private:
  size_t outputs_from(size_t first) const {
    return std::min(pass_.outputs_at_once, pass_.request.outputs - first);
  }

  void launch(size_t first) {
    switch (pass_.request.tensor[tensor_].dtype) {
      case RADIN_F16: launch_as<Float16>(first); break;
      case RADIN_BF16: launch_as<Bfloat16>(first); break;
      case RADIN_F32: launch_as<Float32>(first); break;
      case RADIN_F64: launch_as<Float64>(first); break;
    }
    stream_.to_host(staged_out_.data(), out_.data(), outputs_from(first) * stride_);
    stream_.to_host(staged_nan_.data(), nan_.data(), 1);
  }

  template <class Format>
  void launch_as(size_t first) {
    const AverageElements<Format> kernel = {in_.data(),           stride_,
                                            elements_,            pass_.recipes.data() + first,
                                            pass_.stream.data(),  pass_.weights.data(),
                                            out_.data(),          nan_.data()};
    stream_.launch(kernel, outputs_from(first) * elements_);
  }

  // A sum that is NaN can also come of infinities, so the ingredients are looked through.
  void look_for_nan(RadinDtype dtype) {
    std::vector<const uint8_t*> stream;
    for (size_t s = 0; s < pass_.plan.models.size(); ++s) stream.push_back(staged_in_.data() + s * stride_);
    pass_.first_nan.look(dtype, tensor_, begin_, elements_, pass_.plan.models, stream.data());
  }

  Pass& pass_;
  PinnedArray<uint8_t> staged_in_, staged_out_;
  PinnedArray<uint32_t> staged_nan_;
  DeviceArray<uint8_t> in_, out_;
  DeviceArray<uint32_t> nan_;
  size_t tensor_ = 0, begin_ = 0, elements_ = 0;  // the piece
  size_t bytes_ = 0, stride_ = 0;                 // of one model's part of it
  bool is_started_ = false;
  Stream stream_;
};

}  // namespace

RadinStatus average_on_device(const RadinAverage& request, const RadinRun& run) {
  Pass pass(request, run);
  const size_t pieces = pass.first_piece.back();
  if (pieces > 0) {
    pass.upload_plan();
    const auto slots = slots_of<Slot>(pass.workers, [&] { return std::make_unique<Slot>(pass); });
    const RadinStatus status = for_each_piece(run, pieces, slots);
    if (status != RADIN_DONE) return status;
  }
  RadinSourceFailure failure{};
  if (!pass.sources.finish(&failure)) {
    *run.source = pass.plan.in_request(failure, request.models);
    return RADIN_SOURCE_FAILED;
  }
  pass.first_nan.write(request.first_nan);
  return RADIN_DONE;
}

}  // namespace radin
