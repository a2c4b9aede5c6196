// The innermost loops of cross-entropy, for each instruction set.
//
// Everything happens on tiles of 16 samples, one to a lane, so classes are added one after the other and no sum runs over
// lanes. A slot holds up to 4 classes of a tile, [4, 16] floats: slots 0 ... N - 1 a model's x = logit - label's logit,
// those behind them sums of models that several mixtures share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../kernels.h"

namespace radin {

constexpr size_t kTileLanes = 16;
constexpr size_t kSlotClasses = 4;
constexpr size_t kSlotFloats = kTileLanes * kSlotClasses;

constexpr double kCoarseError = 8e-5;

// Mixtures as sums of slots: those before `uniform` have coefficients 1 and one scale, the others a coefficient for each
// term. Both end in units of log2, for exp2.
struct CrossEntropyPlan {
  struct Shared {  // slot N + i = slot `parent` + slot `model`, in ascending i
    uint32_t parent, model;
  };
  struct Mixture {
    uint32_t first_term, terms;
    float scale;
  };
  size_t models;
  size_t shared;
  const Shared* share;
  size_t mixtures, uniform;
  const Mixture* mixture;  // [mixtures]
  const uint32_t* slot;    // [terms]
  const float* coefficient;  // [terms]
};

// Where the logits of a tile's samples lie, as float32 of any alignment.
struct TileRows {
  size_t models;
  const uint8_t* const* row;  // [N, 16]
  const float* label;         // [N, 16]: the logit of each sample's label
};

struct CrossEntropyKernels {
  // Widened or, from float64, rounded.
  void (*to_float32)(RadinDtype dtype, const uint8_t* from, size_t count, float* to);

  // Fills the slots of the models with `count` <= 4 classes of the rows from `first` on, and raises `largest` [N, 16] to the
  // bits of |x|, which for infinities and NaNs are above those of any number.
  void (*load)(const TileRows& rows, size_t first, size_t count, float* slots, int32_t* largest);
  // Fills the slots behind them.
  void (*share)(const CrossEntropyPlan& plan, float* slots);
  // sums [S, 16] += exp z of `count` classes, (e0 + e1) + (e2 + e3) first.
  void (*add)(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums);
  // The same with exp z held within 2^+-120.
  void (*add_clamped)(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums);
  // The same with exponentials of degree 3, which are within a factor of 1 +- kCoarseError.
  void (*add_coarse)(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums);
  // The same as `add`, and moments [S, N, 16] += exp z * x_k.
  void (*add_with_moments)(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums, float* moments);
  // The same as `add`, and squares [S, 16] += exp 2z.
  void (*add_with_squares)(const CrossEntropyPlan& plan, const float* slots, size_t count, float* sums, float* squares);
  // to += from, then from = 0.
  void (*carry)(float* from, size_t count, double* to);
  // values = log values, each at least 1.
  void (*logarithms)(double* values, size_t count);

  // In float64, for samples whose logits lie too far apart: the slots [N, 4, 16] of the models, the largest z so far of
  // each lane, and the sums of exp(z - top) and of exp(z - top) * x_k, where moments [N, 16] may be null. Coefficients [N].
  void (*load_far)(const TileRows& rows, size_t first, size_t count, double* slots);
  void (*far_tops)(size_t models, const double* coefficients, const double* slots, size_t count, double* tops);
  void (*far_sums)(size_t models, const double* coefficients, const double* slots, size_t count, const double* tops,
                   double* sums, double* moments);
  // squares [16] += exp 2(z - top).
  void (*far_squares)(size_t models, const double* coefficients, const double* slots, size_t count, const double* tops,
                      double* squares);
};

}  // namespace radin
