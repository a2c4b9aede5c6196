// Hashes of files in one pass, with a look at each element for NaN while its bytes are in the cache.
//
// A hash is one chain of dependent steps, so threads share the sources and not the bytes of one.
// Memory: 1 MiB for each thread.

#include "sha256.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "dtype_bytes.h"
#include "fork_join.h"
#include "source.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace radin {

namespace {

constexpr size_t kBlock = 64;
constexpr size_t kDigest = 32;
constexpr size_t kWords = 8;
constexpr size_t kLengthBytes = 8;

// The first 32 bits of the fractional parts of the square roots of the first 8 primes.
constexpr uint32_t kStart[kWords] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

#if defined(__x86_64__)

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr uint32_t kRounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The eight words a to h as the instructions take them, and 4 of the 64 rounds at a time; `words` are the last 16 of the
// message schedule.
__attribute__((target("sha,sse4.1"))) void compress(uint32_t* state, const uint8_t* bytes, size_t blocks) {
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  const auto word = [&](size_t index) { return static_cast<int>(state[index]); };
  __m128i abef = _mm_set_epi32(word(0), word(1), word(4), word(5));
  __m128i cdgh = _mm_set_epi32(word(2), word(3), word(6), word(7));
  for (; blocks > 0; --blocks, bytes += kBlock) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i words[4];
#pragma GCC unroll 16
    for (size_t group = 0; group < 16; ++group) {
      __m128i& now = words[group % 4];
      if (group < 4) {
        const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + group);
        now = _mm_shuffle_epi8(loaded, big_endian);
      } else {
        const __m128i last = words[(group + 3) % 4];
        const __m128i seven_before = _mm_alignr_epi8(last, words[(group + 2) % 4], 4);
        const __m128i sums = _mm_add_epi32(_mm_sha256msg1_epu32(now, words[(group + 1) % 4]), seven_before);
        now = _mm_sha256msg2_epu32(sums, last);
      }
      const __m128i constants = _mm_load_si128(reinterpret_cast<const __m128i*>(kRounds) + group);
      const __m128i terms = _mm_add_epi32(now, constants);
      // Two rounds make new a, b, e and f, and the old ones are c, d, g and h then.
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, terms);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(terms, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  alignas(16) uint32_t lanes[kWords];
  _mm_store_si128(reinterpret_cast<__m128i*>(lanes), abef);
  _mm_store_si128(reinterpret_cast<__m128i*>(lanes) + 1, cdgh);
  const size_t lane_of[kWords] = {3, 2, 7, 6, 1, 0, 5, 4};
  for (size_t index = 0; index < kWords; ++index) state[index] = lanes[lane_of[index]];
}

#else

// Never called: see `has_sha256_instructions`.
void compress(uint32_t*, const uint8_t*, size_t) {}

#endif

void store_big_endian(uint8_t* to, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) to[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
}

// The last bytes of a message of `length` bytes, fewer than a block: a one bit, zeros, and the length in bits.
void finish(uint32_t* state, const uint8_t* rest, size_t count, uint64_t length, uint8_t* digest) {
  uint8_t last[2 * kBlock] = {};
  if (count > 0) std::memcpy(last, rest, count);
  last[count] = 0x80;
  const size_t blocks = count + 1 + kLengthBytes <= kBlock ? 1 : 2;
  store_big_endian(last + blocks * kBlock - kLengthBytes, 8 * length, kLengthBytes);
  compress(state, last, blocks);
  for (size_t i = 0; i < kWords; ++i) store_big_endian(digest + 4 * i, state[i], 4);
}

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

// A whole number of blocks and of elements, so that only the last piece has a rest.
static_assert(kReadBytes % kBlock == 0);

void hash_source(const Sha256Request& request, size_t index, Sources& sources, uint8_t* buffer, const RadinRun& run) {
  const uint64_t length = request.source[index].bytes;
  const int32_t dtype = request.dtypes[index];
  double& nan = request.first_nan[index];
  uint32_t state[kWords];
  std::copy(kStart, kStart + kWords, state);
  nan = -1.0;
  for (uint64_t at = 0;; at += kReadBytes) {
    if (is_cancelled(run) || sources.has_failed()) return;
    const size_t count = static_cast<size_t>(std::min<uint64_t>(kReadBytes, length - at));
    const uint8_t* const bytes = count == 0 ? buffer : sources.read(index, at, count, buffer);
    if (bytes == nullptr) return;
    if (nan < 0) {
      const double found = first_nan(dtype, bytes, count);
      if (found >= 0) nan = found + static_cast<double>(at / bytes_of(static_cast<RadinDtype>(dtype)));
    }
    const size_t blocks = count / kBlock;
    compress(state, bytes, blocks);
    if (count == kReadBytes) continue;
    return finish(state, bytes + blocks * kBlock, count % kBlock, length, request.digests + index * kDigest);
  }
}

}  // namespace

bool has_sha256_instructions() {
#if defined(__x86_64__)
  constexpr unsigned kSha = 1U << 29;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & kSha) != 0;
#else
  return false;
#endif
}

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
