// The geometry of a convolution and its input as the kernels want it: padded, widened, and cut into phases so that the
// values under one tap of consecutive outputs are contiguous, whatever the stride.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "ir/graph.h"
#include "num/policy.h"
#include "ops/contraction/scratch.h"

namespace assay::ops::contraction {

/// Up to three spatial axes; absent ones (in front) have extent 1.
struct Window {
  using Axes = std::array<size_t, 3>;
  size_t images = 0, channels = 0, outputs = 0, groups = 1;  ///< channels in, channels out
  Axes in{1, 1, 1}, kernel{1, 1, 1}, out{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1};
  std::array<int64_t, 3> pad{0, 0, 0};  ///< in front

  size_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  size_t pixels() const { return out[0] * out[1] * out[2]; }
  size_t in_pixels() const { return in[0] * in[1] * in[2]; }
  size_t channels_a_group() const { return channels / groups; }
  size_t outputs_a_group() const { return outputs / groups; }
  /// Whether every tap of every output lies inside of the input.
  bool inside() const;
  /// The input is the matrix [channels][pixels] as it lies: 1x1, stride 1, no padding.
  bool pointwise() const;
  /// The same convolution whose last axis has an extent where one has: runs of neighbours lie along it.
  Window without_trailing_ones() const;
};

/// Where a padded channel keeps what: element (d, h, w) of the padded input that output (0,0,0) starts at stands at
/// d * plane + h * row + (w % stride) * phase + w / stride.
struct PaddedLayout {
  explicit PaddedLayout(const Window& w);
  size_t row, plane, phase, channel;  ///< pitches in elements
  std::vector<size_t> taps;           ///< offset of each tap, kernel axes in order
  std::array<size_t, 3> extent;       ///< of the padded input
  size_t left, covered;               ///< columns in front of those that the input covers, and how many it covers
  std::vector<int64_t> places;        ///< of each padded row: where its columns start in the input's channel; -1: zeros
};

/// Fills one padded channel; what lies outside of the input, or under no tap, is +0. Operands are rounded as the policy
/// says. Returns the smallest magnitude that is not zero; infinity when there
/// is none, or no padding that would make it matter.
template <class T>
T fill_padded(const Window& w, const PaddedLayout& layout, const std::byte* data, ir::ElemType elem, size_t begin,
              const num::Policy& policy, T* to);

}  // namespace assay::ops::contraction
