// Convolution weights in packed form, with the facts that the exact skipping of padding needs.
#pragma once
#include <limits>
#include <memory>
#include <vector>

#include "ops/contraction/driver.h"
#include "ops/contraction/window.h"

namespace assay::ops::contraction {

template <class T>
struct Weights {
  std::unique_ptr<PackedOperand<T>> panels;  ///< one batch a group; null when plain
  AlignedArray<T> plain;                     ///< [outputs][k], operands rounded: for depthwise
  size_t outputs = 0, k = 0, groups = 1;
  std::vector<bool> non_finite;  ///< by output channel
  bool any_non_finite = false;
  T smallest = std::numeric_limits<T>::infinity();  ///< smallest magnitude that is not zero

  /// Weight k of output channel m.
  T at(size_t m, size_t i) const {
    if (!panels) return plain.data()[m * k + i];
    const size_t rows = outputs / groups, row = m % rows, width = panels->width();
    return panels->panel(m / rows, row / width * width, width, 0, k, nullptr)[i * width + row % width];
  }
};

/// In panels of `width` output channels; plain when `width` is 0.
template <class T>
Weights<T> pack_weights(const ir::Tensor& weights, size_t groups, size_t width, const num::Policy& policy,
                        const Threads& threads);
/// The panels alone.
template <class T>
std::unique_ptr<PackedOperand<T>> pack_panels(const ir::Tensor& weights, size_t groups, size_t width,
                                              const num::Policy& policy, const Threads& threads);

}  // namespace assay::ops::contraction
