// Each row over its largest element, the sum of its magnitudes, or (L2) the square root of x^2 over the sum of squares,
// with the sign of x. Rows whose divisor is 0 stay as they are.
#include <algorithm>
#include <cmath>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

template <class T>
void by_max(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  const T divisor = arith.max_of(x, n);
  divisor == 0 ? static_cast<void>(std::copy_n(x, n, y)) : arith.div(x, divisor, y, n);
}
template <class T>
void by_sum(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  arith.abs(x, y, n);
  const T divisor = arith.sum(y, n);
  divisor == 0 ? static_cast<void>(std::copy_n(x, n, y)) : arith.div(x, divisor, y, n);
}
template <class T>
void by_squares(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  const T divisor = arith.sum_of_squares(x, n);
  if (divisor == 0) {
    std::copy_n(x, n, y);
    return;
  }
  arith.mul(x, x, y, n);
  arith.div(y, divisor, y, n);
  arith.sqrt(y, y, n);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] < 0 && y[i] >= 0 ? -y[i] : y[i];  // NaN keeps its bits
}

template <class T>
using Norm = void (*)(const num::Arith<T>&, const T*, T*, size_t);
template <class T>
struct Named {
  std::string_view name;
  Norm<T> apply;
};
template <class T>
constexpr Named<T> kNorms[] = {{"MAX", by_max<T>}, {"L1", by_sum<T>}, {"L2", by_squares<T>}};

template <class T>
Status run(KernelContext& c) {
  ASSAY_TRY(const Rows rows, rows_of(c));
  const num::Arith<T> arith(c.policy());
  const std::string name = c.op.attr_string("norm", "MAX");
  const Norm<T> norm = std::ranges::find(kNorms<T>, name, &Named<T>::name)->apply;
  c.threads.for_each(static_cast<size_t>(rows.n), 64, [&](size_t begin, size_t end) {
    std::vector<T> buffer, y(static_cast<size_t>(rows.features));
    for (auto r = static_cast<int64_t>(begin); r < static_cast<int64_t>(end); ++r) {
      norm(arith, load_row(c, rows, r, buffer), y.data(), y.size());
      store(c.out(0), r * rows.features, y.size(), y.data(), c.policy());
    }
  });
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  return computes_float64(c) ? run<double>(c) : run<float>(c);
}

Status infer(InferContext& c) {
  const std::string norm = c.op().attr_string("norm", "MAX");
  if (std::ranges::find(kNorms<float>, norm, &Named<float>::name) == std::end(kNorms<float>))
    return c.fail("normalizer_c1", "norm is not MAX, L1 or L2");
  ASSAY_CHECK(row_count(c, "normalizer_c2"));
  c.set(0, ir::ElemType::float32, c.type(0).shape);
  return {};
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"norm", "MAX"}};

}  // namespace

extern const OpDef kNormalizer = {
    .domain = kMl,
    .name = "Normalizer",
    .doc = "Each row over its maximum, or as parts of its L1 or L2 norm.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "magnitudes or squares of a row",
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "rows of zeros have no counterpart"},
    .to_nn = {nullptr, "rows of zeros have no counterpart"},
    .bound = {.f32 = 8},
};

}  // namespace assay::ops
