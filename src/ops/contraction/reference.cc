// The slow micro-kernel of every policy without a fast one: the scalar definition, output by output.
#include <array>
#include <utility>
#include <vector>

#include "num/accumulate.h"
#include "ops/contraction/kernel_sets.h"

namespace assay::ops::contraction {
namespace {

constexpr size_t kRows = 4, kColumns = 16;

template <class T, size_t kM>
void dots(size_t kc, const T* a, const T* b, T* c, size_t ldc, bool resume, const num::Policy& policy) {
  constexpr auto kCompute = sizeof(T) == 4 ? num::FormatId::float32 : num::FormatId::float64;
  num::Accumulator accumulator = policy.accumulator;
  accumulator.flush_subnormals = accumulator.flush_subnormals || policy.flush_subnormals;
  thread_local std::vector<double> x, y;
  x.resize(kc);
  y.resize(kc);
  for (size_t j = 0; j < kColumns; ++j) {
    for (size_t k = 0; k < kc; ++k) y[k] = b[k * kColumns + j];
    for (size_t i = 0; i < kM; ++i) {
      for (size_t k = 0; k < kc; ++k) x[k] = a[k * kRows + i];
      T& to = c[i * ldc + j];
      to = static_cast<T>(
          num::dot_reference(accumulator, kCompute, x.data(), y.data(), kc, resume ? static_cast<double>(to) : 0.0));
    }
  }
}

template <class T, size_t... kM>
KernelSet<T> set_of(std::index_sequence<kM...>) {
  KernelSet<T> set;
  set.mr = kRows;
  set.nr = kColumns;
  set.whole_k = true;
  ((set.by_rows[kM + 1] = &dots<T, kM + 1>), ...);
  return set;
}

}  // namespace

KernelSet<float> reference_float() { return set_of<float>(std::make_index_sequence<kRows>()); }
KernelSet<double> reference_double() { return set_of<double>(std::make_index_sequence<kRows>()); }

}  // namespace assay::ops::contraction
