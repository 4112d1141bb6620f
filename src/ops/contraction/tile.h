// Micro-kernels: the innermost loops of every contraction. One call advances a tile of `rows` x nr outputs by kc steps
// of k, in ascending order, each output with its own accumulator. All drivers (matrix products, convolutions) share
// them; an accumulation policy is a set of micro-kernels and nothing else.
#pragma once
#include <array>
#include <cstddef>

#include "num/policy.h"

namespace assay::ops::contraction {

inline constexpr size_t kMaxRows = 12;

/// a: panel [kc][mr]; b: panel [kc][nr]; c: rows of nr values, ldc apart. `resume` continues from what c holds,
/// otherwise the accumulators start at +0. `policy` is the operation's.
template <class T>
using MicroKernel = void (*)(size_t kc, const T* a, const T* b, T* c, size_t ldc, bool resume,
                             const num::Policy& policy);

template <class T>
struct KernelSet {
  size_t mr = 0;          ///< rows of a full tile
  size_t nr = 0;          ///< columns of every tile
  size_t k_multiple = 1;  ///< k may be cut only at multiples of this
  bool whole_k = false;   ///< the state between steps does not fit into a T: k must not be cut at all
  std::array<MicroKernel<T>, kMaxRows + 1> by_rows{};  ///< [1..mr]
  /// The same for tiles of which the first nr / 2 columns at most are wanted; null where by_rows must do.
  std::array<MicroKernel<T>, kMaxRows + 1> half{};

  MicroKernel<T> kernel(size_t rows, size_t columns) const {
    return half[rows] && columns <= nr / 2 ? half[rows] : by_rows[rows];
  }
};

/// What all operands are known to be as they enter.
enum class Operands : uint8_t {
  any,
  narrow,   ///< of 12 significant bits at most: float32 holds their products
  float16,  ///< float16 values, which are narrow too
};

/// The kernels for a policy on the current instruction set.
template <class T>
KernelSet<T> kernels_for(const num::Policy& policy, Operands operands);
template <>
KernelSet<float> kernels_for<float>(const num::Policy& policy, Operands operands);
template <>
KernelSet<double> kernels_for<double>(const num::Policy& policy, Operands operands);

}  // namespace assay::ops::contraction
