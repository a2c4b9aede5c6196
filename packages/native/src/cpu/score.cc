// The totals of a measure over M samples for S mixtures of N models' logits.
//
// Fused: the check that all logits are finite, the weighted sum over models, the measure of each sample and its sum.
// Never in memory: the mixed logits of more than one tile of samples and one mixture.
// Shapes: logits N x [M, C] float32, coefficients [S, N], totals [S].
// Memory: per thread a tile of mixed logits (16 KB, or one row where a row is longer), and 8 MB of block sums.
//
// A thread takes a block of 256 samples and walks it in tiles; while the N pieces of a tile (8 KB each) stay in the
// second-level cache all mixtures are scored on it. The sums of a block are added in block order at the end, so the total
// has the same bits whatever the number of threads; counts, being integers, would anyway.

#include "score.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "elementary.h"
#include "fork_join.h"

namespace radin {

namespace {

// Samples whose sum is one term of the total: part of the contract's bits, equal to BLOCK_SAMPLES in lib/measures.ts.
constexpr size_t kBlockSamples = 256;
// Mixed logits of one tile: what fits in the first-level cache beside the rows it is made from.
constexpr size_t kTileLogits = 2048;
// Block sums kept at once; more mixtures than fit are scored in several passes over the logits.
constexpr size_t kBlockSums = size_t{1} << 20;

// out[i] = sum over k of coefficients[k] * logits[k][begin + i] for a_k > 0, k ascending, starting from the first product.
void mix(const RadinScore& request, const double* coefficients, size_t begin, size_t count, double* out) {
  size_t k = 0;
  while (coefficients[k] == 0.0) ++k;
  const float* first = request.logits[k] + begin;
  const double first_coefficient = coefficients[k];
  for (size_t i = 0; i < count; ++i) out[i] = first_coefficient * static_cast<double>(first[i]);
  for (++k; k < request.models; ++k) {
    const double coefficient = coefficients[k];
    if (coefficient == 0.0) continue;
    const float* row = request.logits[k] + begin;
    for (size_t i = 0; i < count; ++i) out[i] += coefficient * static_cast<double>(row[i]);
  }
}

// 1 if the label is among the `top` largest logits, else 0. The label's rank is the number of classes preferred to it; a
// lower class is preferred already when it is equal.
double is_in_top(const double* mixed, size_t classes, size_t label, size_t top) {
  const double truth = mixed[label];
  size_t preferred = 0;
  for (size_t c = 0; c < label; ++c) preferred += mixed[c] >= truth;
  for (size_t c = label + 1; c < classes; ++c) preferred += mixed[c] > truth;
  return preferred < top ? 1.0 : 0.0;
}

double largest(const double* values, size_t count) {
  // Four running maxima hide the latency of the comparison; a maximum does not depend on the order.
  double lanes[4] = {values[0], values[0], values[0], values[0]};
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) {
      lanes[lane] = lanes[lane] > values[i + lane] ? lanes[lane] : values[i + lane];
    }
  }
  for (; i < count; ++i) lanes[0] = lanes[0] > values[i] ? lanes[0] : values[i];
  return std::max(std::max(lanes[0], lanes[1]), std::max(lanes[2], lanes[3]));
}

// -log softmax(mixed)[label] in nats; overwrites `mixed`. The exponentials are made in a loop of their own, which
// vectorises; their sum runs over the classes in order, which fixes its bits.
double cross_entropy(double* mixed, size_t classes, size_t label) {
  const double top = largest(mixed, classes);
  const double distance = top - mixed[label];
  for (size_t c = 0; c < classes; ++c) mixed[c] = exp_nonpositive(mixed[c] - top);
  double sum = 0.0;
  for (size_t c = 0; c < classes; ++c) sum += mixed[c];
  return log_at_least_one(sum) + distance;
}

// Adds the measure of each row of `mixed`, in their order, to `sum`.
double add_rows(const RadinScore& request, double* mixed, size_t first_sample, size_t rows, double sum) {
  for (size_t row = 0; row < rows; ++row) {
    double* const logits = mixed + row * request.classes;
    const size_t label = static_cast<size_t>(request.labels[first_sample + row]);
    sum += request.top > 0 ? is_in_top(logits, request.classes, label, request.top)
                           : cross_entropy(logits, request.classes, label);
  }
  return sum;
}

// The index of the first value that is not finite, or `count`. A block is tested by one reduction that vectorises: an
// exponent field of all ones is what infinities and NaNs have.
size_t first_nonfinite(const float* values, size_t count) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t found = 0;
  for (size_t i = 0; i < count; ++i) found |= (bit_cast<uint32_t>(values[i]) & kExponent) == kExponent;
  if (!found) return count;
  size_t i = 0;
  while ((bit_cast<uint32_t>(values[i]) & kExponent) != kExponent) ++i;
  return i;
}

// Where in [N, M, C] the first logit of a tile that is not finite lies, or UINT64_MAX.
uint64_t nonfinite_in_tile(const RadinScore& request, size_t begin, size_t count) {
  for (size_t k = 0; k < request.models; ++k) {
    const size_t found = first_nonfinite(request.logits[k] + begin, count);
    if (found < count) return static_cast<uint64_t>(k) * request.samples * request.classes + begin + found;
  }
  return UINT64_MAX;
}

}  // namespace

RadinStatus score(const InstructionSet&, const RadinScore& request, const RadinRun& run) {
  const size_t blocks = (request.samples + kBlockSamples - 1) / kBlockSamples;
  const size_t tile_rows = std::clamp<size_t>(kTileLogits / request.classes, 1, kBlockSamples);
  // No samples, no tile: only where there are logits is C bounded by the memory that there is.
  const size_t tile_logits = blocks > 0 ? tile_rows * request.classes : 0;
  const size_t pass_mixtures =
      std::clamp<size_t>(kBlockSums / std::max<size_t>(blocks, 1), 1, std::max<size_t>(request.mixtures, 1));
  const uint32_t workers = worker_count(run, blocks);
  std::vector<double> block_sums(blocks * pass_mixtures);
  std::vector<double> mixed_tiles(workers * tile_logits);
  std::vector<uint64_t> nonfinite(workers, UINT64_MAX);

  // Scores the mixtures [first, first + count) on one block of samples.
  const auto score_block = [&](uint32_t worker, size_t block, size_t first, size_t count) {
    double* const sums = block_sums.data() + block * pass_mixtures;
    double* const mixed = mixed_tiles.data() + worker * tile_logits;
    std::fill(sums, sums + count, 0.0);
    const size_t end = std::min((block + 1) * kBlockSamples, request.samples);
    for (size_t sample = block * kBlockSamples; sample < end; sample += tile_rows) {
      const size_t rows = std::min(tile_rows, end - sample);
      const size_t begin = sample * request.classes;
      if (first == 0) {
        nonfinite[worker] = std::min(nonfinite[worker], nonfinite_in_tile(request, begin, rows * request.classes));
      }
      for (size_t s = 0; s < count; ++s) {
        if (is_cancelled(run)) return;
        mix(request, request.coefficients + (first + s) * request.models, begin, rows * request.classes, mixed);
        sums[s] = add_rows(request, mixed, sample, rows, sums[s]);
      }
    }
  };

  size_t first = 0;
  do {  // one pass even without mixtures, for the check of the logits
    const size_t count = std::min(pass_mixtures, request.mixtures - first);
    const auto status = for_each_block(
        run, blocks, [&](uint32_t worker, size_t block) { score_block(worker, block, first, count); });
    if (status != RADIN_DONE) return status;
    for (size_t s = 0; s < count; ++s) {
      double total = 0.0;
      for (size_t block = 0; block < blocks; ++block) total += block_sums[block * pass_mixtures + s];
      request.totals[first + s] = total;
    }
    first += count;
  } while (first < request.mixtures);

  *request.first_nonfinite = *std::min_element(nonfinite.begin(), nonfinite.end());
  return RADIN_DONE;
}

}  // namespace radin
