// Plain reading and writing of memory, for each instruction set: the yardstick that the benchmarks measure kernels against.
#pragma once

#include <cstddef>
#include <cstdint>

namespace radin {

struct StreamKernels {
  // The sum of the 32-bit words modulo 2^32; a last part of a word counts as if zeros followed it.
  uint32_t (*read)(const uint8_t* bytes, size_t count);
  // Sets the bytes to zero, past the caches where the processor can.
  void (*write)(uint8_t* bytes, size_t count);
};

}  // namespace radin
