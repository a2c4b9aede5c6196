// Products of narrow matrices: threads take blocks of elements. No result depends on which, because each element is a sum of its own.

#include "product.h"

#include <algorithm>

#include "fork_join.h"

namespace radin {

namespace {

// Elements of a block: some tenth of a millisecond at rank 16, so that handing it out costs nothing and a cancelled call is noticed.
constexpr size_t kBlockElements = 16 * 1024;

}  // namespace

RadinStatus add_product(const InstructionSet& set, const ProductRequest& request, const RadinRun& run) {
  const size_t blocks = (request.count + kBlockElements - 1) / kBlockElements;
  return for_each_block(run, blocks, [&](uint32_t, size_t block) {
    const size_t end = std::min(request.count, (block + 1) * kBlockElements);
    for (size_t at = block * kBlockElements; at < end;) {
      const size_t row = (request.first + at) / request.columns;
      const size_t column = (request.first + at) % request.columns;
      const size_t count = std::min(request.columns - column, end - at);
      set.product.add_row(request.values + at, count, request.left + row * request.rank, request.right + column,
                          request.rank, request.columns, request.scale);
      at += count;
    }
  });
}

}  // namespace radin
