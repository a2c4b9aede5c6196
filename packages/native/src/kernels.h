/*
 * The C ABI between the binding (src/napi) and a backend (src/cpu, src/cuda): plain structs, sizes and one function table
 * per backend. What each function computes, to the bit, is the contract in lib/backend.ts.
 *
 * Shape letters: N models, M samples, C classes, S mixtures, B outputs of one pass. Arrays are row-major and little-endian.
 *
 * The caller guarantees what the binding has checked: lengths, labels in [0, C), N, C >= 1, no output overlapping an
 * ingredient or another output. Functions run on any thread, several at once, and keep nothing between calls but what a
 * bank holds.
 */
#ifndef RADIN_KERNELS_H
#define RADIN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are little-endian bytes that the kernels load as they are: a big-endian host would need swaps"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The codes are those of DTYPE_CODES in lib/addon.ts. */
typedef enum { RADIN_F16 = 0, RADIN_BF16 = 1, RADIN_F32 = 2, RADIN_F64 = 3 } RadinDtype;

/*
 * A call's life in one int32 that JavaScript and the kernels change atomically. Whoever moves it away from QUEUED first
 * decides whether the call runs at all, so a call that waits for a thread can be rejected at once.
 */
typedef enum { RADIN_QUEUED = 0, RADIN_RUNNING = 1, RADIN_CANCELLED = 2 } RadinState;

typedef enum {
  RADIN_DONE = 0,
  RADIN_STOPPED = 1,
  RADIN_OUT_OF_MEMORY = 2,
  RADIN_SOURCE_FAILED = 3 /* RadinSourceFailure says which and how */
} RadinStatus;

/* Where an array's bytes are: `memory`, of any alignment, or where that is null, a range of an open file. */
typedef struct {
  const uint8_t* memory;
  int32_t fd;
  uint64_t offset; /* in the file */
  uint64_t bytes;
} RadinSource;

typedef struct {
  uint64_t source;   /* index among the call's sources */
  uint64_t position; /* bytes from the file's start at which it ended or could not be read */
  int32_t error;     /* errno of the failed read, 0 where the file ended early, -1 where it changed while it was read */
} RadinSourceFailure;

typedef struct {
  size_t threads;             /* >= 1; no result depends on it */
  int32_t* state;             /* a RadinState, read between blocks: the kernel returns RADIN_STOPPED once it is CANCELLED */
  int32_t* progress;          /* millionths of the work that are done, stored now and then */
  RadinSourceFailure* source; /* out: with RADIN_SOURCE_FAILED */
} RadinRun;

typedef struct {
  RadinDtype dtype;
  size_t elements;
  uint8_t* const* outputs; /* [B], each of `elements` elements, of any alignment */
} RadinTensor;

typedef struct {
  size_t models, outputs;     /* N, B */
  const double* weights;      /* [B, N], a_k; 0 means: left out */
  const double* divisors;     /* [B] */
  size_t tensors;             /* T */
  const RadinTensor* tensor;  /* [T] */
  const RadinSource* sources; /* [T, N], each of its tensor's bytes; those that no output uses are not touched */
  size_t memory_limit;        /* bytes of work space; at least radin_average_memory(N) */
  int32_t find_nan;           /* whether first_nan is wanted */
  uint64_t* first_nan;        /* out: tensor, model and element of the first NaN among the ingredients that are used, in
                                 this order; or UINT64_MAX three times */
} RadinAverage;

/* The least memory_limit: 4 KiB of a file and 1 KiB of widened elements of each model, 160 KiB of sums, and some room. */
static inline size_t radin_average_memory(size_t models) { return (256 + 8 * models) * 1024; }

typedef struct {
  size_t models, samples, classes, mixtures; /* N, M, C, S */
  const float* const* logits;                /* [N] of [M, C] */
  const int32_t* labels;                     /* [M] */
  const double* coefficients;                /* [S, N], a_k of the contract; 0 means: not in the mixture */
  size_t top;                                /* k of the measure `top`, or 0 for cross-entropy */
  double* totals;                            /* out: [S] */
  uint64_t* first_nonfinite;                 /* out: where in [N, M, C] a logit is first not finite, or UINT64_MAX */
} RadinScore;

typedef struct {
  const char* name;
  /* Null where the backend works on this machine, else the reason in one line. */
  const char* (*unavailable)(void);
  RadinStatus (*average)(const RadinAverage*, const RadinRun*);
  RadinStatus (*score)(const RadinScore*, const RadinRun*);
} RadinBackend;

/* The CPU's backends, one per instruction set that this build knows, fastest first. */
const RadinBackend* radin_cpu_backends(size_t* count);

#ifdef __cplusplus
}
#endif

#endif
