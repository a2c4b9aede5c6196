#include "backends.h"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>

namespace radin {

namespace {

// What became of the CUDA library.
struct Loaded {
  std::string reason;
  RadinBackend backend{};
};

// The fastest of the CPU's backends that this processor has; the last always is available.
const RadinBackend& fastest_of_cpu() {
  size_t count = 0;
  const RadinBackend* all = radin_cpu_backends(&count);
  while (all->unavailable() != nullptr) ++all;
  return *all;
}

template <class Function>
void fill(Function& function, Function other) {
  if (function == nullptr) function = other;
}

void fill_from_cpu(RadinBackend& backend) {
  const RadinBackend& cpu = fastest_of_cpu();
  fill(backend.average, cpu.average);
  fill(backend.stream, cpu.stream);
  fill(backend.bank_open, cpu.bank_open);
  fill(backend.bank_statistics, cpu.bank_statistics);
  fill(backend.bank_count, cpu.bank_count);
  fill(backend.bank_correct, cpu.bank_correct);
  fill(backend.bank_all_subsets, cpu.bank_all_subsets);
  fill(backend.bank_close, cpu.bank_close);
  fill(backend.cross_entropy, cpu.cross_entropy);
  fill(backend.open_entropy_bank, cpu.open_entropy_bank);
  fill(backend.entropy_bounds, cpu.entropy_bounds);
  fill(backend.close_entropy_bank, cpu.close_entropy_bank);
  fill(backend.gram, cpu.gram);
  fill(backend.predict, cpu.predict);
}

// The library stays loaded: the runtime that it brings along cannot be unloaded safely.
Loaded load(const char* path) {
  if (access(path, F_OK) != 0) return {"this build has no CUDA library: nvcc was not found when it was built"};
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const error = dlerror();
    return {std::string("the CUDA library cannot be loaded: ") + (error == nullptr ? path : error)};
  }
  const auto function = reinterpret_cast<RadinLibraryFunction>(dlsym(library, RADIN_LIBRARY_FUNCTION));
  const RadinLibrary* const found = function == nullptr ? nullptr : function();
  if (found == nullptr || found->version != RADIN_LIBRARY_VERSION) {
    return {"the CUDA library is of another build: build again"};
  }
  Loaded loaded;
  loaded.backend = found->backend;
  fill_from_cpu(loaded.backend);
  const char* const reason = loaded.backend.unavailable();
  if (reason != nullptr) loaded.reason = reason;
  return loaded;
}

std::once_flag once;
std::atomic<const Loaded*> cuda{nullptr};

}  // namespace

void load_cuda(const char* path) {
  std::call_once(once, [path] { cuda = new Loaded(load(path)); });  // for as long as the process lives
}

size_t backend_count() {
  size_t count = 0;
  radin_cpu_backends(&count);
  return count + 1;
}

ListedBackend listed_backend(size_t index) {
  size_t count = 0;
  const RadinBackend* const of_cpu = radin_cpu_backends(&count);
  if (index < count) return {of_cpu[index].name, of_cpu[index].unavailable(), &of_cpu[index]};
  const Loaded* const loaded = cuda;
  if (loaded == nullptr) return {"cuda", "it has not been asked for", nullptr};
  if (!loaded->reason.empty()) return {"cuda", loaded->reason.c_str(), nullptr};
  return {loaded->backend.name, nullptr, &loaded->backend};
}

}  // namespace radin
