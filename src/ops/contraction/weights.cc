#include "ops/contraction/weights.h"

#include <algorithm>
#include <cmath>

#include "ops/contraction/gather.h"

namespace assay::ops::contraction {
namespace {

template <class T>
void note_specials(Weights<T>& packed) {
  packed.non_finite.resize(packed.outputs);
  const T* all = packed.panels ? packed.panels->data() : packed.plain.data();
  const size_t size = packed.panels ? packed.panels->bytes() / sizeof(T) : packed.outputs * packed.k;
  packed.smallest = smallest_nonzero(all, size);
  packed.any_non_finite = !std::all_of(all, all + size, [](T w) { return std::isfinite(w); });
  if (!packed.any_non_finite) return;
  for (size_t m = 0; m < packed.outputs; ++m) {
    for (size_t i = 0; i < packed.k; ++i) {
      if (!std::isfinite(packed.at(m, i))) packed.non_finite[m] = true;
    }
  }
}

}  // namespace

template <class T>
Weights<T> pack_weights(const ir::Tensor& weights, size_t groups, bool plain, const num::Policy& policy,
                        const Threads& threads) {
  Weights<T> packed;
  packed.outputs = static_cast<size_t>(weights.dims()[0]);
  packed.groups = groups;
  packed.k = packed.outputs ? static_cast<size_t>(weights.size()) / packed.outputs : 0;
  const size_t size = packed.outputs * packed.k;
  if (plain) {
    packed.plain = AlignedArray<T>(size);
    widen<T>(weights.bytes(), weights.elem(), 0, size, packed.plain.data());
    if (rounds_operands(policy)) round_operands(packed.plain.data(), size, policy);
  } else {
    const size_t rows = packed.outputs / groups,
                 width = kernels_for<T>(policy, operands_of(policy, weights.elem(), weights.elem())).mr;
    std::vector<size_t> offsets(groups);
    for (size_t g = 0; g < groups; ++g) offsets[g] = g * rows * packed.k;
    const MatrixView view{weights.bytes(), weights.elem(), 0, 1, packed.k};
    packed.panels = std::make_unique<PackedOperand<T>>(groups, rows, packed.k, width);
    packed.panels->fill(MatrixSource<T>(view, offsets, width, policy), threads);
  }
  note_specials(packed);
  return packed;
}

template Weights<float> pack_weights<float>(const ir::Tensor&, size_t, bool, const num::Policy&, const Threads&);
template Weights<double> pack_weights<double>(const ir::Tensor&, size_t, bool, const num::Policy&, const Threads&);

}  // namespace assay::ops::contraction
