// The Gram matrix: which blocks its threads take, in how much memory, and what becomes of weights that are not finite.
//
// A tensor's blocks of kGramBlock elements are the terms of its group's sums, added in their order. The kernels know
// nothing of numbers that are not finite: those show in the diagonal of their block, which is then done again with
// differences made one by one.

#include "gram.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "aligned_array.h"
#include "dtype_bytes.h"
#include "float_formats.h"
#include "fork_join.h"
#include "ordered_sum.h"
#include "source.h"

namespace radin {

namespace {

// Elements whose sums are one term of the total: part of the bits, equal to GRAM_BLOCK in lib/reference-gram.ts. With 16
// models a block is a megabyte of float32, read 64 KB at a time.
constexpr size_t kGramBlock = 16384;

// Files are read by pieces of whole chunks, and of no less than a page where there is one.
constexpr size_t kLeastPiece = kGramChunk * 4;

constexpr float kLargestFloat = std::numeric_limits<float>::max();

double widened(RadinDtype dtype, const uint8_t* element) {
  uint16_t half;
  uint32_t word;
  uint64_t number;
  switch (dtype) {
    case RADIN_F16: std::memcpy(&half, element, sizeof half); return Float16::widen(half);
    case RADIN_BF16: std::memcpy(&half, element, sizeof half); return Bfloat16::widen(half);
    case RADIN_F32: std::memcpy(&word, element, sizeof word); return Float32::widen(word);
    case RADIN_F64: std::memcpy(&number, element, sizeof number); return Float64::widen(number);
  }
  return 0.0;
}

double difference(double value, double reference) {
  return std::clamp(static_cast<float>(value - reference), -kLargestFloat, kLargestFloat);
}

// One call's state that its threads share.
class Pass {
 public:
  Pass(const InstructionSet& set, const RadinGram& request, const RadinRun& run)
      : gram_(set.gram),
        request_(request),
        run_(run),
        streams_(request.models + (request.reference ? 1 : 0)),
        pairs_(request.models * (request.models + 1) / 2),
        sources_(request.sources, request.tensors * streams_),
        totals_(request.groups * pairs_, 0.0),
        ordered_(totals_.data(), pairs_),
        not_finite_(streams_, 0) {
    first_block_.push_back(0);
    for (size_t t = 0; t < request.tensors; ++t) {
      first_block_.push_back(first_block_[t] + (request.elements[t] + kGramBlock - 1) / kGramBlock);
    }
    divide_memory();
    workers_.resize(threads_);
    for (Worker& worker : workers_) {
      worker.work = AlignedArray<uint8_t>(gram_.work_bytes(request.models));
      worker.sums = AlignedArray<double>(pairs_);
      std::fill_n(worker.sums.data(), pairs_, 0.0);
      worker.buffer = AlignedArray<uint8_t>(buffer_bytes_);
      worker.piece.resize(streams_);
      worker.chunk.resize(streams_);
    }
  }

  RadinStatus run() {
    RadinRun run = run_;
    run.threads = threads_;
    const RadinStatus status = for_each_block(run, first_block_.back(), [&](uint32_t index, size_t block) {
      const size_t t = static_cast<size_t>(std::upper_bound(first_block_.begin(), first_block_.end(), block) -
                                           first_block_.begin()) - 1;
      Worker& worker = workers_[index];
      multiply_block(worker, t, block - first_block_[t]);
      ordered_.add(block, worker.sums.data(), request_.group[t] * pairs_);
    });
    if (status != RADIN_DONE) return status;
    if (!sources_.finish(run_.source)) return RADIN_SOURCE_FAILED;
    write_results();
    return RADIN_DONE;
  }

 private:
  struct Worker {
    AlignedArray<uint8_t> work;
    AlignedArray<double> sums;
    AlignedArray<uint8_t> buffer;
    std::vector<const uint8_t*> piece, chunk;
  };

  // Where memory is short, files are read by fewer bytes at a time first, then by fewer threads.
  void divide_memory() {
    size_t element_bytes = 0;
    bool has_files = false;
    for (size_t t = 0; t < request_.tensors; ++t) {
      element_bytes = std::max(element_bytes, bytes_of(request_.dtypes[t]));
      for (size_t s = 0; s < streams_; ++s) has_files |= sources_.is_file(t * streams_ + s);
    }
    const size_t own = gram_.work_bytes(request_.models) + pairs_ * sizeof(double);
    const size_t element = has_files ? streams_ * element_bytes : 0;
    const size_t fitting = std::max<size_t>(request_.memory_limit / (own + kLeastPiece * element), 1);
    threads_ = worker_count(std::min(run_.threads, fitting), first_block_.back());
    if (!has_files) return;
    const size_t share = request_.memory_limit / threads_;
    const size_t elements = (share - std::min(share, own)) / element / kLeastPiece * kLeastPiece;
    piece_ = std::clamp(elements, kLeastPiece, kGramBlock);
    buffer_bytes_ = piece_ * element;
  }

  // The block's sums, whatever they are where the call is over anyway.
  void multiply_block(Worker& worker, size_t t, size_t block) {
    if (!add_block(worker, t, block, false)) return;
    const double* diagonal = worker.sums.data();
    for (size_t k = 0; k < request_.models; ++k, diagonal += k + 1) {
      if (std::isfinite(*diagonal)) continue;
      add_block(worker, t, block, true);
      return;
    }
  }

  bool is_over() const { return sources_.has_failed() || is_cancelled(run_); }

  bool add_block(Worker& worker, size_t t, size_t block, bool one_by_one) {
    uint8_t* const work = worker.work.data();
    const size_t element_bytes = bytes_of(request_.dtypes[t]);
    const size_t begin = block * kGramBlock;
    const size_t end = std::min(begin + kGramBlock, request_.elements[t]);
    gram_.clear(request_.models, work);
    for (size_t at = begin; at < end; at += piece_) {
      const size_t elements = std::min(piece_, end - at);
      for (size_t s = 0; s < streams_; ++s) {
        if (is_over()) return false;
        uint8_t* const buffer = worker.buffer.data() + s * piece_ * element_bytes;
        worker.piece[s] = sources_.read(t * streams_ + s, at * element_bytes, elements * element_bytes, buffer);
      }
      if (is_over()) return false;
      for (size_t from = 0; from < elements; from += kGramChunk) {
        for (size_t s = 0; s < streams_; ++s) worker.chunk[s] = worker.piece[s] + from * element_bytes;
        const GramChunk chunk = {request_.dtypes[t], std::min(kGramChunk, elements - from), request_.models,
                                 request_.reference != 0, worker.chunk.data()};
        if (one_by_one) {
          subtract_one_by_one(chunk, work);
        } else {
          gram_.subtract(chunk, work);
        }
        for (size_t row = 0; row < request_.models; row += gram_.panel_rows) {
          if (is_cancelled(run_)) return false;
          gram_.multiply(request_.models, chunk.elements, row, work);
        }
      }
    }
    gram_.sums(request_.models, work, worker.sums.data());
    return true;
  }

  // What the kernels do, for weights of any kind: a model whose weight is not finite has no difference there, and none has
  // where the reference is not finite.
  void subtract_one_by_one(const GramChunk& chunk, uint8_t* work) {
    double* const rows = reinterpret_cast<double*>(work);
    const size_t bytes = bytes_of(chunk.dtype);
    const size_t padded = (chunk.elements + kGramLanes - 1) / kGramLanes * kGramLanes;
    for (size_t i = 0; i < padded; ++i) {
      const bool is_element = i < chunk.elements;
      double sum = 0.0;
      size_t finite = 0;
      for (size_t k = 0; k < chunk.models; ++k) {
        const double value = is_element ? widened(chunk.dtype, chunk.stream[k] + i * bytes) : 0.0;
        rows[k * kGramRow + i] = value;
        if (!std::isfinite(value)) {
          count_not_finite(k);
          continue;
        }
        sum += value;
        ++finite;
      }
      double reference = sum / static_cast<double>(finite);
      if (chunk.reference) {
        reference = is_element ? widened(chunk.dtype, chunk.stream[chunk.models] + i * bytes) : 0.0;
        if (!std::isfinite(reference)) count_not_finite(chunk.models);
      }
      const bool is_given = !chunk.reference || std::isfinite(reference);
      for (size_t k = 0; k < chunk.models; ++k) {
        double& value = rows[k * kGramRow + i];
        value = is_given && std::isfinite(value) ? difference(value, reference) : 0.0;
      }
    }
  }

  void count_not_finite(size_t stream) { __atomic_fetch_add(&not_finite_[stream], 1, __ATOMIC_RELAXED); }

  void write_results() {
    const size_t models = request_.models;
    for (size_t g = 0; g < request_.groups; ++g) {
      const double* sum = &totals_[g * pairs_];
      double* const products = request_.products + g * models * models;
      for (size_t i = 0; i < models; ++i) {
        for (size_t j = 0; j <= i; ++j, ++sum) products[i * models + j] = products[j * models + i] = *sum;
      }
    }
    for (size_t s = 0; s < streams_; ++s) request_.not_finite[s] = static_cast<double>(not_finite_[s]);
  }

  const GramKernels& gram_;
  const RadinGram& request_;
  const RadinRun& run_;
  const size_t streams_;  // N, and one more for the reference
  const size_t pairs_;
  Sources sources_;
  std::vector<double> totals_;  // [groups, pairs]
  OrderedSum ordered_;
  std::vector<uint64_t> not_finite_;
  std::vector<size_t> first_block_;  // of each tensor; the last entry is the number of blocks
  size_t threads_ = 1;
  size_t piece_ = kGramBlock;  // elements of each stream that are read at a time
  size_t buffer_bytes_ = 0;    // of each thread, for pieces of files
  std::vector<Worker> workers_;
};

}  // namespace

RadinStatus gram(const InstructionSet& set, const RadinGram& request, const RadinRun& run) {
  return Pass(set, request, run).run();
}

}  // namespace radin
