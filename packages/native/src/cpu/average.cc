// Averaging: threads take blocks numbered through all tensors, so many small tensors and one large one divide equally well.

#include "average.h"

#include <algorithm>
#include <vector>

#include "fork_join.h"

namespace radin {

namespace {

// What a thread takes at a time: long enough for the hardware prefetcher, short enough (well under a millisecond for tens
// of ingredients) to notice a cancelled call in time.
constexpr size_t kBlock = 16 * 1024;

}  // namespace

RadinStatus average(const InstructionSet& set, const RadinAverage& request, const RadinRun& run) {
  std::vector<size_t> first_block(request.tensors + 1, 0);  // of each tensor; the last entry is the number of blocks
  for (size_t t = 0; t < request.tensors; ++t) {
    first_block[t + 1] = first_block[t] + (request.tensor[t].elements + kBlock - 1) / kBlock;
  }
  return for_each_block(run, first_block.back(), [&](uint32_t, size_t block) {
    const auto after = std::upper_bound(first_block.begin(), first_block.end(), block);
    const size_t t = static_cast<size_t>(after - first_block.begin()) - 1;
    const RadinTensor& tensor = request.tensor[t];
    const size_t begin = (block - first_block[t]) * kBlock;
    set.average.block(request, tensor, begin, std::min(begin + kBlock, tensor.elements));
  });
}

}  // namespace radin
