// Predictions of logits in memory: threads take blocks of samples. No result depends on which, because each is of one sample.

#include "predict.h"

#include <algorithm>

#include "fork_join.h"

namespace radin {

namespace {

// Logits of a block: large enough that handing it out costs nothing, small enough to notice a cancelled call.
constexpr size_t kBlockLogits = 64 * 1024;

}  // namespace

RadinStatus predict(const InstructionSet& set, const RadinPredict& request, const RadinRun& run) {
  const size_t classes = request.classes;
  const size_t block_samples = std::max<size_t>(1, kBlockLogits / classes);
  const size_t blocks = (request.samples + block_samples - 1) / block_samples;
  double power = 1.0;
  while (power < static_cast<double>(classes)) power *= 2.0;
  return for_each_block(run, blocks, [&](uint32_t, size_t block) {
    const size_t first = block * block_samples;
    const size_t count = std::min(block_samples, request.samples - first);
    set.predict.predict(request.logits + first * classes, count, classes, 1.5 * power, request.predicted + first,
                        request.sums + first);
  });
}

}  // namespace radin
