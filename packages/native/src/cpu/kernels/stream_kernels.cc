// The least that a kernel can do with memory: load every byte once, or store every byte once.
//
// Fused: nothing; the sum of the words read is all that shows a compiler and a test that they were read.
// Shapes: any number of bytes at any alignment.
// Memory: none.
// When it pays: never, but as the limit in the benchmarks. Reading runs four independent sums, so that additions never wait
// for each other; asking for lines 1 to 8 KB ahead gained nothing over the hardware prefetcher. Writing bypasses the caches,
// else each line would first be read.

#include "stream_kernels.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "instruction_set.h"

namespace radin {

namespace {

typedef uint32_t Words __attribute__((vector_size(64)));

constexpr size_t kLine = 64;
constexpr size_t kLanes = kLine / sizeof(uint32_t);
constexpr size_t kSums = 4;

inline Words load(const uint8_t* bytes) {
  Words words;
  std::memcpy(&words, bytes, sizeof words);
  return words;
}

uint32_t read(const uint8_t* bytes, size_t count) {
  Words sums[kSums] = {};
  size_t i = 0;
  for (; i + kSums * kLine <= count; i += kSums * kLine) {
    for (size_t part = 0; part < kSums; ++part) sums[part] += load(bytes + i + part * kLine);
  }
  const Words lanes = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  uint32_t sum = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
  while (i < count) {
    const size_t part = count - i < sizeof(uint32_t) ? count - i : sizeof(uint32_t);
    uint32_t word = 0;
    std::memcpy(&word, bytes + i, part);
    sum += word;
    i += part;
  }
  return sum;
}

#if defined(__SSE2__)

void write(uint8_t* bytes, size_t count) {
  const size_t to_line = (kLine - reinterpret_cast<uintptr_t>(bytes) % kLine) % kLine;
  const size_t head = to_line < count ? to_line : count;
  std::memset(bytes, 0, head);
  size_t i = head;
  const __m128i zero = _mm_setzero_si128();
  for (; i + kLine <= count; i += kLine) {
    for (size_t part = 0; part < kLine; part += sizeof zero) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(bytes + i + part), zero);
    }
  }
  std::memset(bytes + i, 0, count - i);
  _mm_sfence();  // whoever is told that the call is done sees these stores
}

#else

void write(uint8_t* bytes, size_t count) { std::memset(bytes, 0, count); }

#endif

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const StreamKernels kStreamKernels;
const StreamKernels kStreamKernels = {read, write};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
