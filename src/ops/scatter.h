// What the scattering operators share: how one update meets what is there.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "num/arith.h"
#include "ops/kernel.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

enum class Combine : uint8_t { none, add, mul, min, max };
/// Attribute `reduction`. Errors: model_invalid where it is unknown; type_unsupported for types without arithmetic.
Result<Combine> combine_of(const KernelContext& c);

/// Updates that meet what is in output 0, in order. Sums and products of floats are one step each, and rounded as
/// stored when all have been taken; max and min give NaN if either operand is NaN.
class Scattering {
 public:
  Scattering(KernelContext& c, Combine combine, const ir::Tensor& updates);
  /// out[to + i] = combine(out[to + i], updates[from + i]) for i in [0, n).
  void take(int64_t from, int64_t to, int64_t n);
  /// Stores what was combined.
  void finish();

 private:
  template <class T>
  T combined(const num::Arith<T>& arith, T old, T next) const;
  template <class T>
  void combine_in_place(const num::Arith<T>& arith, int64_t from, int64_t to, int64_t n);
  template <class T>
  void combine_floats(const num::Arith<T>& arith, int64_t from, int64_t to, int64_t n);

  KernelContext& c_;
  Combine combine_;
  const ir::Tensor& updates_;
  bool floats_, in_place_ = false;  ///< in place: the output holds what is computed, and nothing is rounded at the end
  bool plain_;
  num::Arith<float> single_;
  num::Arith<double> wide_;
  std::vector<double> combined_;  ///< of floats: as computed so far
  std::vector<bool> touched_;
};
/// `mode` of the scattering operators of ML Programs, or why none says the same.
Result<std::string> scatter_mode(const MilContext& c);
/// ScatterMode of layers.
Result<int64_t> scatter_mode(const NnContext& c);
/// Starts output 0 as a copy of input 0.
Status copy_data(KernelContext& c);

}  // namespace assay::ops
