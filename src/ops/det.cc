// Det: Gaussian elimination with row exchanges. For each column the pivot is the element of the largest magnitude at or
// below the diagonal (the first of equals); the rows below become fma(-(element / pivot), pivot's row, row). The result
// is the product of the diagonal, ascending, its sign turned once for each exchange.
#include <cmath>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  if (!c.ranked(0)) return c.set(0, c.elem(0), std::nullopt), Status{};
  std::vector<ir::Dim> shape = c.shape(0);
  if (shape.size() < 2)
    return c.fail("det_c1", "the input has rank " + std::to_string(shape.size()) + ", not 2 or more");
  const ir::Dim &rows = shape[shape.size() - 2], &columns = shape.back();
  if (rows.known() && columns.known() && rows.value != columns.value)
    return c.fail("det_c2", std::to_string(rows.value) + " rows and " + std::to_string(columns.value) + " columns");
  shape.resize(shape.size() - 2);
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

/// The matrix a [n][n] is used up.
template <class T>
T determinant(const num::Arith<T>& arith, T* a, size_t n) {
  bool odd = false;
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k + 1; i < n; ++i)
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + k * n + n, a + pivot * n);
      odd = !odd;
    }
    if (a[k * n + k] == 0) continue;  // the column below is zero, too (or no number: then so is the product)
    for (size_t i = k + 1; i < n; ++i) {
      T factor = arith.div(a[i * n + k], a[k * n + k]);
      arith.neg(&factor, &factor, 1);
      const std::vector<T> factors(n - k - 1, factor);
      arith.fma(factors.data(), a + k * n + k + 1, a + i * n + k + 1, a + i * n + k + 1, n - k - 1);
    }
  }
  T product = T(1);
  for (size_t k = 0; k < n; ++k) product = k == 0 ? a[0] : arith.mul(product, a[k * n + k]);
  if (odd) arith.neg(&product, &product, 1);
  return product;
}

template <class T>
void run(KernelContext& c, size_t n) {
  const num::Arith<T> arith(c.policy());
  const size_t matrix = n * n;
  c.threads.for_each(static_cast<size_t>(c.out(0).size()),
                     std::max<size_t>(1, kGrain / std::max<size_t>(matrix * n, 1)), [&](size_t begin, size_t end) {
                       std::vector<T> a(matrix);
                       for (size_t i = begin; i < end; ++i) {
                         const T* x = load(c.in(0), static_cast<int64_t>(i * matrix), matrix, a.data());
                         x = arith.entered(x, matrix, a.data());
                         if (x != a.data()) std::copy_n(x, matrix, a.data());
                         T y = determinant(arith, a.data(), n);
                         arith.leave(&y, 1);
                         store(c.out(0), static_cast<int64_t>(i), 1, &y, c.policy());
                       }
                     });
}

Status eval(KernelContext& c) {
  const ir::Dims& dims = c.in(0).dims();
  if (dims.size() < 2 || dims.back() != dims[dims.size() - 2])
    return c.fail(Code::model_invalid, "shape " + ir::to_string(dims) + " is not one of square matrices");
  ASSAY_CHECK(allocate_outputs(c));
  const auto n = static_cast<size_t>(dims.back());
  computes_float64(c) ? run<double>(c, n) : run<float>(c, n);
  return {};
}

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};

}  // namespace

extern const OpDef kDet = {
    .name = "Det",
    .since = 22,
    .doc = "Determinants of square matrices, by Gaussian elimination with row exchanges.",
    .in = kIn,
    .out = kOut,
    .numeric = Numeric::composite,
    .accumulates = "multiples of pivots' rows, by fused multiply-adds; then the product of the diagonal",
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML has no determinant"},
    .to_nn = {.says = "Core ML has no determinant"},
    .bound = {.f32 = 1e6},  // sums cancel
};

}  // namespace assay::ops
