// What a bank for cross-entropy is made of and made with.
//
// Making one, a sample at a time with 16 classes to a vector. Fused: subtracting the label's logit, the extremes over the models and
// classes, and then, for the classes that are dropped, exp and the sums that bound them.
// Never in memory: x of any class that is not kept.
// Shapes: rows N x [C], largest x [C], sums [N].
// Memory: 4 KB of masks and weights for 512 classes of a row, which all models pass over one after the other, so that
// their sums stay in registers.

#include "cross_entropy_bank_kernels.h"

#include <cstring>

#include "../elementary.h"
#include "exp2.h"
#include "instruction_set.h"

namespace radin {

namespace {

inline float float_at(const uint8_t* row, size_t index) {
  float value;
  std::memcpy(&value, row + index * sizeof value, sizeof value);
  return value;
}

// Up to 16 classes of a row, x = logit - label; lanes behind `count` are 0.
struct Group {
  Floats part[kTileLanes / kLanes];
};

inline Group group_at(const uint8_t* row, float label, size_t count) {
  Group group;
  if (count == kTileLanes) {
    std::memcpy(&group, row, sizeof group);
  } else {
    float values[kTileLanes];
    for (float& value : values) value = label;
    std::memcpy(values, row, count * sizeof(float));
    std::memcpy(&group, values, sizeof group);
  }
  for (Floats& part : group.part) part = part - label;
  return group;
}

inline Floats masked(Floats values, Ints mask) {
  const Ints bits = bits_of(values) & mask;
  Floats result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// The lanes behind `count` repeat the label, whose x is 0, which changes neither top >= 0 nor the largest |x|.
void scan(const TileRows& rows, size_t lane, size_t count, float* most, float* top, int32_t* largest) {
  constexpr size_t kParts = kTileLanes / kLanes;
  Floats tops[kParts];
  Ints magnitudes[kParts];
  for (size_t i = 0; i < kParts; ++i) {
    tops[i] = Floats{} + *top;
    magnitudes[i] = Ints{} + *largest;
  }
  for (size_t c = 0; c < count; c += kTileLanes) {
    const size_t width = count - c < kTileLanes ? count - c : kTileLanes;
    Group low = group_at(rows.row[lane] + c * sizeof(float), rows.label[lane], width);
    Group high = low;
    for (size_t k = 0; k < rows.models; ++k) {
      const size_t at = k * kTileLanes + lane;
      const Group x = group_at(rows.row[at] + c * sizeof(float), rows.label[at], width);
      for (size_t i = 0; i < kParts; ++i) {
        low.part[i] = x.part[i] < low.part[i] ? x.part[i] : low.part[i];
        high.part[i] = x.part[i] > high.part[i] ? x.part[i] : high.part[i];
        const Ints magnitude = bits_of(x.part[i]) & 0x7fffffff;
        magnitudes[i] = magnitude > magnitudes[i] ? magnitude : magnitudes[i];
      }
    }
    float values[kTileLanes];
    for (size_t i = 0; i < kParts; ++i) {
      tops[i] = low.part[i] > tops[i] ? low.part[i] : tops[i];
      store(values + i * kLanes, high.part[i]);
    }
    std::memcpy(most + c, values, width * sizeof(float));
  }
  for (size_t i = 0; i < kParts; ++i) {
    for (size_t j = 0; j < kLanes; ++j) {
      *top = tops[i][j] > *top ? tops[i][j] : *top;
      *largest = magnitudes[i][j] > *largest ? magnitudes[i][j] : *largest;
    }
  }
}

void gather(const uint8_t* row, float label, size_t first, const uint32_t* classes, size_t count, float* to) {
  for (size_t i = 0; i < count; ++i) to[i] = float_at(row, classes[i] - first) - label;
}

// Lanes added up as a tree.
inline float tree(const float* lanes) {
  float sums[kTileLanes];
  std::memcpy(sums, lanes, sizeof sums);
  for (size_t half = kTileLanes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

// One model's pass over the classes dropped: exp x = exp(x / 2)^2 and weight * x added up.
template <bool kRoots>
void tail_of(const uint8_t* row, float label, size_t count, const int32_t* masks, const float* weights, TailSums* sums,
             float* roots) {
  constexpr size_t kParts = kTileLanes / kLanes;
  constexpr float kHalfLog2E = 0.72134752f;
  Floats exps[kParts] = {};
  Floats moments[kParts] = {};
  for (size_t c = 0; c < count; c += kTileLanes) {
    const Group x = group_at(row + c * sizeof(float), label, count - c < kTileLanes ? count - c : kTileLanes);
    for (size_t i = 0; i < kParts; ++i) {
      const size_t at = c + i * kLanes;
      Ints mask;
      std::memcpy(&mask, masks + at, sizeof mask);
      const Floats root = masked(exp2_of<Exp::kCoarse>(x.part[i] * kHalfLog2E), mask);
      moments[i] = moments[i] + load(weights + at) * x.part[i];
      if constexpr (kRoots) {
        store(roots + at, root);
      } else {
        exps[i] = exps[i] + root * root;
      }
    }
  }
  float lanes[kTileLanes];
  for (size_t i = 0; i < kParts; ++i) store(lanes + i * kLanes, moments[i]);
  sums->moment += static_cast<double>(tree(lanes));
  for (size_t i = 0; i < kParts; ++i) store(lanes + i * kLanes, exps[i]);
  sums->sum += static_cast<double>(tree(lanes));
}

void tail(const TileRows& rows, size_t lane, size_t begin, size_t end, const float* most, float limit, TailSums* sums,
          double* uniform, float* roots) {
  constexpr size_t kParts = kTileLanes / kLanes;
  const float scale = 1.44269504f / static_cast<float>(rows.models);
  int32_t masks[kRowPart];
  float weights[kRowPart];
  Floats totals[kParts] = {};
  for (size_t c = begin; c < end; c += kTileLanes) {
    const size_t width = end - c < kTileLanes ? end - c : kTileLanes;
    float largest[kTileLanes];
    for (float& value : largest) value = limit;
    std::memcpy(largest, most + c, width * sizeof(float));
    Floats mean[kParts] = {};
    for (size_t k = 0; k < rows.models; ++k) {
      const size_t at = k * kTileLanes + lane;
      const Group x = group_at(rows.row[at] + c * sizeof(float), rows.label[at], width);
      for (size_t i = 0; i < kParts; ++i) mean[i] = mean[i] + x.part[i];
    }
    for (size_t i = 0; i < kParts; ++i) {
      const Ints mask = load(largest + i * kLanes) < limit;
      const Floats weight = masked(exp2_of<Exp::kCoarse>(mean[i] * scale), mask);
      std::memcpy(masks + (c - begin) + i * kLanes, &mask, sizeof mask);
      store(weights + (c - begin) + i * kLanes, weight);
      totals[i] = totals[i] + weight;
    }
  }
  float lanes[kTileLanes];
  for (size_t i = 0; i < kParts; ++i) store(lanes + i * kLanes, totals[i]);
  *uniform += static_cast<double>(tree(lanes));
  for (size_t k = 0; k < rows.models; ++k) {
    const size_t at = k * kTileLanes + lane;
    const uint8_t* const row = rows.row[at] + begin * sizeof(float);
    if (roots == nullptr) {
      tail_of<false>(row, rows.label[at], end - begin, masks, weights, &sums[k], nullptr);
    } else {
      tail_of<true>(row, rows.label[at], end - begin, masks, weights, &sums[k], roots + k * kRowPart);
    }
  }
}

constexpr size_t kPairTile = 4;

// A tile of pairs, whose sums stay in registers.
template <size_t kLeft, size_t kRight>
void pair_tile(size_t models, const float* roots, size_t padded, size_t j, size_t k, double* products) {
  const float* const left = roots + j * kRowPart;
  const float* const right = roots + k * kRowPart;
  float lanes[kLeft][kRight][kTileLanes];
  for (size_t lane = 0; lane < kTileLanes; lane += kLanes) {
    Floats sums[kLeft][kRight] = {};
    for (size_t c = lane; c < padded; c += kTileLanes) {
      Floats across[kRight];
      for (size_t b = 0; b < kRight; ++b) across[b] = load(right + b * kRowPart + c);
      for (size_t a = 0; a < kLeft; ++a) {
        const Floats value = load(left + a * kRowPart + c);
        for (size_t b = 0; b < kRight; ++b) sums[a][b] = sums[a][b] + value * across[b];
      }
    }
    for (size_t a = 0; a < kLeft; ++a) {
      for (size_t b = 0; b < kRight; ++b) store(&lanes[a][b][lane], sums[a][b]);
    }
  }
  for (size_t a = 0; a < kLeft; ++a) {
    for (size_t b = 0; b < kRight; ++b) products[(j + a) * models + k + b] += static_cast<double>(tree(lanes[a][b]));
  }
}

// The tiles on and right of the diagonal. Only the last model's rows can be fewer than kPairTile, and they are at the end:
// where a tile on the left is narrow, so is the one on the right.
void pairs(size_t models, const float* roots, size_t count, double* products) {
  const size_t padded = (count + kTileLanes - 1) / kTileLanes * kTileLanes;
  for (size_t j = 0; j < models; j += kPairTile) {
    for (size_t k = j; k < models; k += kPairTile) {
      const bool is_whole = j + kPairTile <= models;
      switch (models - k) {
        case 1:
          is_whole ? pair_tile<kPairTile, 1>(models, roots, padded, j, k, products)
                   : pair_tile<1, 1>(models, roots, padded, j, k, products);
          break;
        case 2:
          is_whole ? pair_tile<kPairTile, 2>(models, roots, padded, j, k, products)
                   : pair_tile<2, 2>(models, roots, padded, j, k, products);
          break;
        case 3:
          is_whole ? pair_tile<kPairTile, 3>(models, roots, padded, j, k, products)
                   : pair_tile<3, 3>(models, roots, padded, j, k, products);
          break;
        default: pair_tile<kPairTile, kPairTile>(models, roots, padded, j, k, products);
      }
    }
  }
}

void add_lanes(const float* sums, size_t count, float* to) {
  for (size_t s = 0; s < count; ++s) to[s * kTileLanes] = tree(sums + s * kTileLanes);
}

void bound(const float* kept, const float* below, const float* above, size_t count, double* lower, double* upper) {
  for (size_t i = 0; i < count; ++i) {
    const double sum = static_cast<double>(kept[i]);
    lower[i] = log_at_least_one(sum + static_cast<double>(below[i]));
    upper[i] = log_at_least_one(sum + static_cast<double>(above[i]));
  }
}

}  // namespace

namespace RADIN_INSTRUCTION_SET {
extern const CrossEntropyBankKernels kCrossEntropyBankKernels;
const CrossEntropyBankKernels kCrossEntropyBankKernels = {scan, gather, tail, pairs, add_lanes, bound};
}  // namespace RADIN_INSTRUCTION_SET

}  // namespace radin
