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
  RADIN_SOURCE_FAILED = 3, /* RadinSourceFailure says which and how */
  RADIN_NOT_FINITE = 4,    /* RadinLogit says which logit */
  RADIN_DEVICE_FAILED = 5  /* RadinRun's device_error says which of its calls */
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

/* Room for a line that says what failed, with its end. */
#define RADIN_ERROR_BYTES 200

typedef struct {
  size_t threads;             /* >= 1; no result depends on it */
  int32_t* state;             /* a RadinState, read between blocks: the kernel returns RADIN_STOPPED once it is CANCELLED */
  int32_t* progress;          /* millionths of the work that are done, stored now and then */
  RadinSourceFailure* source; /* out: with RADIN_SOURCE_FAILED */
  char* device_error;         /* out: [RADIN_ERROR_BYTES], with RADIN_DEVICE_FAILED */
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

/* The groups of tensors whose inner products are added up apart are G. */
typedef struct {
  size_t models;              /* N */
  int32_t reference;          /* whether a reference is given; else it is the models' mean */
  size_t tensors, groups;     /* T, G */
  const RadinDtype* dtypes;   /* [T] */
  const size_t* elements;     /* [T] */
  const size_t* group;        /* [T], below G */
  const RadinSource* sources; /* [T, N], or with a reference, after the models, [T, N + 1] */
  size_t memory_limit;        /* bytes of work space beyond [G, N, N]; at least radin_gram_memory(N) */
  double* products;           /* out: [G, N, N] */
  double* not_finite;         /* out: [N] or [N + 1], how many weights of each are not finite */
} RadinGram;

/* The least memory_limit: 4 KiB of a file and 3 KiB of differences of each model, 36 bytes of sums of each two, and some room. */
static inline size_t radin_gram_memory(size_t models) {
  return 7 * 1024 * (models + 4) + 36 * (models + 8) * (models + 8);
}

/*
 * N models' logits on M samples, with the labels. The sources are numbered in this order, also in a RadinSourceFailure.
 */
typedef struct {
  size_t models, samples, classes; /* N, M, C; M below 2^32 - 1 */
  const RadinDtype* dtypes;        /* [N]; F64 is rounded to float32 */
  const RadinSource* sources;      /* [N] of [M, C] */
  const int32_t* labels;           /* [M] */
} RadinLogits;

/* The first logit, by model, sample and class, that is not finite. */
typedef struct {
  uint64_t model, sample, class_index;
  float value;
} RadinLogit;

/* What a bank holds; see BankStatistics in lib/backend.ts. */
typedef struct {
  uint64_t always_right, always_wrong, rows, bytes;
} RadinBankStatistics;

typedef struct RadinBank RadinBank;

typedef struct {
  uint32_t subset; /* bit k: model k is in it */
  uint64_t correct;
} RadinSubset;

typedef struct {
  size_t keep;         /* room in `best` */
  double lambda;       /* of the prior, per model */
  RadinSubset* best;   /* out: [keep], best first */
  size_t kept;         /* out */
  uint64_t* lowest;    /* out: [N + 1], correct samples of the worst subset of each size; of the best; of all together */
  uint64_t* highest;   /* out: [N + 1] */
  uint64_t* total;     /* out: [N + 1] */
  uint32_t* counts;    /* out: [2^N], correct samples of the subset of each mask but 0, or null */
} RadinAllSubsets;

/* Memory read once and written once, in no computation's service: the limit that benchmarks measure against. */
typedef struct {
  size_t reads, writes;
  const uint8_t* const* read; /* [reads] */
  const size_t* read_bytes;
  uint8_t* const* write; /* [writes]; zeros are written */
  const size_t* write_bytes;
  uint32_t* sum; /* out: of the 32-bit words read, modulo 2^32; zeros complete the last word of each array */
} RadinStream;

/* Predictions of M samples' logits in memory; see Predicted in lib/backend.ts. */
typedef struct {
  size_t samples, classes; /* M, C */
  const float* logits;     /* [M, C] */
  uint32_t* predicted;     /* out: [M], the class of the largest logit, ties to the lowest */
  double* sums;            /* out: [M], the sum over c of exp(z_c - max z) */
} RadinPredict;

/* What a mixture's total adds up of each sample: -log softmax(z)[label], softmax(z)[label], or the sum over c of
 * (softmax(z)[c] - [c = label])^2. */
typedef enum { RADIN_LOSS = 0, RADIN_PROBABILITY = 1, RADIN_SQUARED_ERROR = 2 } RadinSampleMeasure;

typedef struct {
  RadinLogits logits;
  size_t mixtures;            /* S */
  const double* coefficients; /* [S, N], p / sum p, each divided by its model's temperature: z = sum over k of a_k logits_k */
  RadinSampleMeasure measure;
  double* totals;             /* out: [S] */
  double* gradients;          /* out: [S, N], of losses, or null */
  uint64_t* first_nonfinite;  /* out: where in [N, M, C] a logit is first not finite, or UINT64_MAX */
} RadinCrossEntropy;

/* What is kept of the logits for bounds on the cross-entropy of any mixture; made and freed by one backend. */
typedef struct RadinEntropyBank RadinEntropyBank;

typedef struct {
  RadinLogits logits;
  double ratio; /* in (0, 1]: a class is dropped where in every model it is this much below the largest of all */
  RadinEntropyBank** bank; /* out: with RADIN_DONE */
  uint64_t *rows, *bytes, *far_samples; /* out */
  uint64_t* first_nonfinite; /* out: where in [N, M, C] a logit is first not finite, or UINT64_MAX */
} RadinOpenEntropyBank;

typedef struct {
  const RadinEntropyBank* bank;
  size_t mixtures;            /* S */
  const double* coefficients; /* [S, N], p / sum p */
  double *lower, *upper;      /* out: [S] */
} RadinEntropyBounds;

typedef struct {
  const char* name;
  /* Null where the backend works on this machine, else the reason in one line. */
  const char* (*unavailable)(void);
  RadinStatus (*average)(const RadinAverage*, const RadinRun*);
  RadinStatus (*stream)(const RadinStream*, const RadinRun*);
  /* A bank for top-`top`, to be closed by `bank_close`. */
  RadinStatus (*bank_open)(const RadinLogits*, size_t top, const RadinRun*, RadinBank** bank, RadinLogit* not_finite);
  RadinBankStatistics (*bank_statistics)(const RadinBank*);
  /* Correct samples of each mixture; coefficients [S, N], p / max p; 0 means: not in the mixture. */
  RadinStatus (*bank_count)(const RadinBank*, const double* coefficients, size_t mixtures, double* counts,
                            const RadinRun*);
  /* 1 for each sample that the mixture gets right, else 0; coefficients [N]. */
  RadinStatus (*bank_correct)(const RadinBank*, const double* coefficients, uint8_t* correct, const RadinRun*);
  /* All non-empty uniform subsets; N <= 24, M >= 1. */
  RadinStatus (*bank_all_subsets)(const RadinBank*, RadinAllSubsets*, const RadinRun*);
  void (*bank_close)(RadinBank*);
  RadinStatus (*cross_entropy)(const RadinCrossEntropy*, const RadinRun*);
  RadinStatus (*open_entropy_bank)(const RadinOpenEntropyBank*, const RadinRun*);
  RadinStatus (*entropy_bounds)(const RadinEntropyBounds*, const RadinRun*);
  void (*close_entropy_bank)(RadinEntropyBank*);
  RadinStatus (*gram)(const RadinGram*, const RadinRun*);
  RadinStatus (*predict)(const RadinPredict*, const RadinRun*);
} RadinBackend;

/*
 * A backend in a shared library of its own, loaded where it is asked for. Functions that its table lacks (null) are taken from
 * the CPU's fastest; those of one kind of bank are there all or none.
 */
typedef struct {
  uint32_t version; /* RADIN_LIBRARY_VERSION of its build: the structs of this header */
  RadinBackend backend;
} RadinLibrary;

#define RADIN_LIBRARY_VERSION 6
#define RADIN_LIBRARY_FUNCTION "radin_library"
typedef const RadinLibrary* (*RadinLibraryFunction)(void);

/* The CPU's backends, one per instruction set that this build knows, fastest first. */
const RadinBackend* radin_cpu_backends(size_t* count);

#ifdef __cplusplus
}
#endif

#endif
