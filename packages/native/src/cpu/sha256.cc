// Hashes of files in one pass, with a look at each element for NaN while its bytes are in the cache. The hash itself is the library's that
// the host, Node, has in it, on threads of ours, without copies into JavaScript and back.
//
// A hash is one chain of dependent steps, so threads share the sources and not the bytes of one.
// Memory: 1 MiB for each thread.

#include "sha256.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "dtype_bytes.h"
#include "fork_join.h"
#include "source.h"

namespace radin {

namespace {

// OpenSSL's EVP interface, whose functions Node exports to addons; its headers are not among those that every way of building has.
struct Library {
  void* (*create)();
  void (*destroy)(void* context);
  const void* (*sha256)();
  int (*start)(void* context, const void* type, void* engine);
  int (*update)(void* context, const void* bytes, size_t count);
  int (*finish)(void* context, unsigned char* digest, unsigned* size);
};

template <class Function>
bool find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return function != nullptr;
}

// Null in hosts that lack one of them.
const Library* library() {
  static const Library* const found = []() -> const Library* {
    static Library it{};
    const bool is_whole = find(it.create, "EVP_MD_CTX_new") && find(it.destroy, "EVP_MD_CTX_free") &&
                          find(it.sha256, "EVP_sha256") && find(it.start, "EVP_DigestInit_ex") &&
                          find(it.update, "EVP_DigestUpdate") && find(it.finish, "EVP_DigestFinal_ex");
    return is_whole ? &it : nullptr;
  }();
  return found;
}

constexpr size_t kDigest = 32;

// Throws std::bad_alloc where the library fails, which for this hash it only does without memory.
class Hash {
 public:
  Hash() : context_(library()->create(), library()->destroy) {
    require(context_ != nullptr && library()->start(context_.get(), library()->sha256(), nullptr) == 1);
  }
  void update(const uint8_t* bytes, size_t count) { require(library()->update(context_.get(), bytes, count) == 1); }
  void finish(uint8_t* digest) { require(library()->finish(context_.get(), digest, nullptr) == 1); }

 private:
  static void require(bool is_done) {
    if (!is_done) throw std::bad_alloc();
  }

  std::unique_ptr<void, void (*)(void*)> context_;
};

// Without its sign, a number's bits exceed those of infinity exactly when it is NaN.
template <class Word>
double first_above(const uint8_t* bytes, size_t count, Word infinity) {
  constexpr size_t kStep = 4096;
  constexpr Word kMagnitude = static_cast<Word>(~Word{0}) >> 1;
  const auto is_above = [&](size_t at) {
    Word word;
    std::memcpy(&word, bytes + at * sizeof word, sizeof word);
    return static_cast<Word>(word & kMagnitude) > infinity;
  };
  for (size_t begin = 0; begin < count; begin += kStep) {
    const size_t end = std::min(count, begin + kStep);
    Word found = 0;
    for (size_t at = begin; at < end; ++at) found |= is_above(at) ? 1 : 0;
    if (found == 0) continue;
    for (size_t at = begin; at < end; ++at) {
      if (is_above(at)) return static_cast<double>(at);
    }
  }
  return -1.0;
}

double first_nan(int32_t dtype, const uint8_t* bytes, size_t count) {
  switch (dtype) {
    case RADIN_F16: return first_above<uint16_t>(bytes, count / 2, 0x7c00);
    case RADIN_BF16: return first_above<uint16_t>(bytes, count / 2, 0x7f80);
    case RADIN_F32: return first_above<uint32_t>(bytes, count / 4, 0x7f800000);
    case RADIN_F64: return first_above<uint64_t>(bytes, count / 8, 0x7ff0000000000000);
    default: return -1.0;
  }
}

void hash_source(const Sha256Request& request, size_t index, Sources& sources, uint8_t* buffer, const RadinRun& run) {
  const uint64_t length = request.source[index].bytes;
  const int32_t dtype = request.dtypes[index];
  double& nan = request.first_nan[index];
  nan = -1.0;
  Hash hash;
  for (uint64_t at = 0; at < length; at += kReadBytes) {
    if (is_cancelled(run) || sources.has_failed()) return;
    const size_t count = static_cast<size_t>(std::min<uint64_t>(kReadBytes, length - at));
    const uint8_t* const bytes = sources.read(index, at, count, buffer);
    if (bytes == nullptr) return;
    if (nan < 0) {
      const double found = first_nan(dtype, bytes, count);
      if (found >= 0) nan = found + static_cast<double>(at / bytes_of(static_cast<RadinDtype>(dtype)));
    }
    hash.update(bytes, count);
  }
  hash.finish(request.digests + index * kDigest);
}

}  // namespace

bool can_hash() { return library() != nullptr; }

RadinStatus sha256(const Sha256Request& request, const RadinRun& run) {
  Sources sources(request.source, request.count);
  std::vector<size_t> order(request.count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return request.source[a].bytes > request.source[b].bytes; });
  std::vector<std::vector<uint8_t>> buffers(worker_count(run, request.count));
  const RadinStatus status = for_each_block(run, request.count, [&](uint32_t worker, size_t block) {
    buffers[worker].resize(kReadBytes);
    hash_source(request, order[block], sources, buffers[worker].data(), run);
  });
  if (status != RADIN_DONE) return status;
  return sources.finish(run.source) ? RADIN_DONE : RADIN_SOURCE_FAILED;
}

}  // namespace radin
