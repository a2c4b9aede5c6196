// The files of this folder are compiled once for each instruction set, each time with other compiler flags and with
// RADIN_INSTRUCTION_SET naming the namespace that its tables go to. What they define is in an anonymous namespace or in
// that one, and they use no library code that the compiler may emit as a function of its own: the linker would keep one
// copy of it for all sets, and a processor without AVX-512 could be handed the copy that uses it.
#pragma once

#ifndef RADIN_INSTRUCTION_SET
#error "compile kernels/ by way of CMakeLists.txt, which names the instruction set"
#endif
