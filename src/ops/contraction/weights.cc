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
std::unique_ptr<PackedOperand<T>> pack_panels(const ir::Tensor& weights, size_t groups, size_t width,
                                              const num::Policy& policy, const Threads& threads) {
  const size_t rows = static_cast<size_t>(weights.dims()[0]) / groups;
  const size_t k = rows ? static_cast<size_t>(weights.size()) / (rows * groups) : 0;
  std::vector<size_t> offsets(groups);
  for (size_t g = 0; g < groups; ++g) offsets[g] = g * rows * k;
  const MatrixView view{weights.bytes(), weights.elem(), 0, 1, k};
  auto panels = std::make_unique<PackedOperand<T>>(groups, rows, k, width);
  panels->fill(MatrixSource<T>(view, offsets, width, policy), threads);
  return panels;
}

template <class T>
Weights<T> pack_weights(const ir::Tensor& weights, size_t groups, size_t width, const num::Policy& policy,
                        const Threads& threads) {
  Weights<T> packed;
  packed.outputs = static_cast<size_t>(weights.dims()[0]);
  packed.groups = groups;
  packed.k = packed.outputs ? static_cast<size_t>(weights.size()) / packed.outputs : 0;
  const size_t size = packed.outputs * packed.k;
  if (width == 0) {
    packed.plain = AlignedArray<T>(size);
    widen<T>(weights.bytes(), weights.elem(), 0, size, packed.plain.data());
    if (rounds_operands(policy)) round_operands(packed.plain.data(), size, policy);
  } else {
    packed.panels = pack_panels<T>(weights, groups, width, policy, threads);
  }
  note_specials(packed);
  return packed;
}

template std::unique_ptr<PackedOperand<float>> pack_panels<float>(const ir::Tensor&, size_t, size_t, const num::Policy&,
                                                                  const Threads&);
template std::unique_ptr<PackedOperand<double>> pack_panels<double>(const ir::Tensor&, size_t, size_t,
                                                                    const num::Policy&, const Threads&);
template Weights<float> pack_weights<float>(const ir::Tensor&, size_t, size_t, const num::Policy&, const Threads&);
template Weights<double> pack_weights<double>(const ir::Tensor&, size_t, size_t, const num::Policy&, const Threads&);

}  // namespace assay::ops::contraction
