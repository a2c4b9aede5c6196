// Averaging: which models a pass needs, which blocks its threads take, and in how much memory.

#include "average.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "average_plan.h"
#include "dtype_bytes.h"
#include "fork_join.h"
#include "source.h"

namespace radin {

namespace {

// Bytes of one stream that a thread takes at a time: long enough for the hardware's prefetchers, and in files for the
// cost of a system call, short enough that the pieces of all files stay in the last cache between reading and adding.
constexpr size_t kBlockBytes = 256 * 1024;

// Bytes of all streams that a thread takes at a time: a few milliseconds of work, after which a cancelled call is
// noticed.
constexpr size_t kBlockBytesOfAll = 16 * 1024 * 1024;

// No block is smaller, so that a file is read by whole pages.
constexpr size_t kPage = 4096;

// Outputs of more than this together do not stay in a processor's own cache anyway.
constexpr size_t kCachedBytes = 4 * 1024 * 1024;

constexpr size_t kLine = 64;

// One call's state that its threads share.
class Pass {
 public:
  Pass(const InstructionSet& set, const RadinAverage& request, const RadinRun& run)
      : set_(set),
        request_(request),
        run_(run),
        plan_(request),
        used_(plan_.used_sources(request)),
        sources_(used_.data(), used_.size()),
        work_bytes_((set.average.work_bytes(plan_.models.size(), request.outputs) + kLine - 1) / kLine * kLine) {
    size_t longest = 0;
    size_t output_bytes = 0;
    for (size_t t = 0; t < request.tensors; ++t) {
      const size_t bytes = request.tensor[t].elements * bytes_of(request.tensor[t].dtype);
      longest = std::max(longest, bytes);
      output_bytes += request.outputs * bytes;
    }
    past_caches_ = output_bytes > kCachedBytes;
    const size_t threads = divide_memory(longest);
    first_block_.push_back(0);
    for (size_t t = 0; t < request.tensors; ++t) {
      const size_t elements = block_elements(request.tensor[t].dtype);
      first_block_.push_back(first_block_[t] + (request.tensor[t].elements + elements - 1) / elements);
    }
    threads_ = worker_count(threads, first_block_.back());
    memory_.reset(new uint8_t[threads_ * (work_bytes_ + buffer_bytes_) + kLine]);
    stream_.resize(threads_ * plan_.models.size());
    output_.resize(threads_ * request.outputs);
  }

  RadinStatus run() {
    RadinRun run = run_;
    run.threads = threads_;
    const RadinStatus status =
        for_each_block(run, first_block_.back(), [&](uint32_t worker, size_t block) { average(worker, block); });
    if (status != RADIN_DONE) return status;
    RadinSourceFailure failure{};
    if (!sources_.finish(&failure)) {
      *run_.source = plan_.in_request(failure, request_.models);
      return RADIN_SOURCE_FAILED;
    }
    first_nan_.write(request_.first_nan);
    return RADIN_DONE;
  }

 private:
  static size_t whole_pages(size_t bytes) { return std::max(bytes / kPage * kPage, kPage); }
  size_t block_elements(RadinDtype dtype) const { return block_bytes_ / bytes_of(dtype); }

  // Sets the bytes of blocks and buffers, and returns how many threads the memory limit leaves: where it is short,
  // files are read by fewer bytes at a time first, then by fewer threads.
  size_t divide_memory(size_t longest_tensor) {
    const size_t streams = plan_.models.size();
    const bool has_files =
        std::any_of(used_.begin(), used_.end(), [](const RadinSource& source) { return source.memory == nullptr; });
    block_bytes_ = whole_pages(std::min({kBlockBytes, kBlockBytesOfAll / streams, longest_tensor + kPage}));
    const size_t least = work_bytes_ + (has_files ? streams * kPage : 0);
    const size_t fitting = least == 0 ? run_.threads : std::max<size_t>(request_.memory_limit / least, 1);
    const size_t threads = worker_count(std::min(run_.threads, fitting), SIZE_MAX);
    if (has_files) {
      const size_t share = request_.memory_limit / threads;
      block_bytes_ = std::min(block_bytes_, whole_pages((share - std::min(share, work_bytes_)) / streams));
      buffer_bytes_ = streams * block_bytes_;
    }
    return threads;
  }

  void average(uint32_t worker, size_t block) {
    const auto after = std::upper_bound(first_block_.begin(), first_block_.end(), block);
    const size_t t = static_cast<size_t>(after - first_block_.begin()) - 1;
    const RadinTensor& tensor = request_.tensor[t];
    const size_t begin = (block - first_block_[t]) * block_elements(tensor.dtype);
    const size_t elements = std::min(block_elements(tensor.dtype), tensor.elements - begin);
    const size_t element_bytes = bytes_of(tensor.dtype);

    const size_t streams = plan_.models.size();
    const uint8_t** const stream = &stream_[worker * streams];
    uint8_t* const work = aligned_memory() + worker * (work_bytes_ + buffer_bytes_);
    for (size_t s = 0; s < streams; ++s) {
      if (sources_.has_failed() || is_cancelled(run_)) return;
      uint8_t* const buffer = work + work_bytes_ + s * block_bytes_;
      stream[s] = sources_.read(t * streams + s, begin * element_bytes, elements * element_bytes, buffer);
    }
    if (sources_.has_failed()) return;
    uint8_t** const output = &output_[worker * request_.outputs];
    for (size_t b = 0; b < request_.outputs; ++b) output[b] = tensor.outputs[b] + begin * element_bytes;
    const bool may_have_nan = set_.average.block({tensor.dtype, elements, streams, stream, request_.outputs,
                                                  plan_.recipes.data(), output, work, past_caches_});
    if (may_have_nan && request_.find_nan) first_nan_.look(tensor.dtype, t, begin, elements, plan_.models, stream);
  }

  uint8_t* aligned_memory() {
    const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.get());
    return memory_.get() + (kLine - address % kLine) % kLine;
  }

  const InstructionSet& set_;
  const RadinAverage& request_;
  const RadinRun& run_;
  const AveragePlan plan_;
  const std::vector<RadinSource> used_;  // [T, S]
  Sources sources_;
  const size_t work_bytes_;  // of each thread
  size_t threads_ = 1;
  size_t buffer_bytes_ = 0;  // of each thread, for blocks of files
  size_t block_bytes_ = 0;   // of one stream
  bool past_caches_ = false;
  std::vector<size_t> first_block_;  // of each tensor; the last entry is the number of blocks
  std::unique_ptr<uint8_t[]> memory_;
  std::vector<const uint8_t*> stream_;  // of each thread's block
  std::vector<uint8_t*> output_;        // of each thread's block
  FirstNan first_nan_;
};

}  // namespace

RadinStatus average(const InstructionSet& set, const RadinAverage& request, const RadinRun& run) {
  return Pass(set, request, run).run();
}

}  // namespace radin
