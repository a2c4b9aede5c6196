// Threads for one call: made when it starts, joined before it returns. Nothing outlives the call, so neither concurrent
// calls nor a worker thread that is being torn down share any state. Making a thread costs some 20 µs, which calls of
// milliseconds do not notice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "../kernels.h"

namespace radin {

// True once the call has been cancelled.
bool is_cancelled(const RadinRun& run);

// How many workers `for_each_block` will number for that many blocks: at least 1, never more than there are blocks.
uint32_t worker_count(size_t threads, size_t blocks);
inline uint32_t worker_count(const RadinRun& run, size_t blocks) { return worker_count(run.threads, blocks); }

// The part of a call's whole work that one loop does, as fractions in [0, 1], for its progress.
struct Share {
  double begin = 0.0;
  double end = 1.0;
};

// Calls body(worker, block) once for each block in [0, blocks), blocks handed out in ascending order, `worker` in
// [0, worker_count). Looks for cancellation before each block. Where `body` throws std::bad_alloc,
// no further block is begun, and this throws it when all threads have stopped; it must not throw anything else.
RadinStatus for_each_block(const RadinRun& run, size_t blocks,
                           const std::function<void(uint32_t worker, size_t block)>& body, Share share = {});

}  // namespace radin
