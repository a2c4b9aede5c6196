// The backends that calls can name by index: the CPU's, then `cuda`, which is loaded from a library of its own.
#pragma once

#include <cstddef>

#include "../kernels.h"

namespace radin {

struct ListedBackend {
  const char* name;
  const char* reason;           // why it is not available, in one line, or null
  const RadinBackend* backend;  // null where there is none to call
};

// Looks for the CUDA library at that path, once in the life of the process: the first path counts. Any thread.
void load_cuda(const char* path);

size_t backend_count();

// index < backend_count(). Before `load_cuda`, `cuda` is not available.
ListedBackend listed_backend(size_t index);

}  // namespace radin
