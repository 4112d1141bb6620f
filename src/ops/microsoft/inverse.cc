// Inverse: Gauss-Jordan elimination of [X | I] with row exchanges. For each column k the pivot is the element of the
// largest magnitude at or below the diagonal (the first of equals); its row comes to place k and is divided by it;
// every other row becomes fma(-(its element in column k), the pivot's row, row).
#include <cmath>
#include <vector>

#include "ops/compose.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  if (c.ranked(0)) {
    const std::vector<ir::Dim>& shape = c.shape(0);
    if (shape.size() < 2)
      return c.fail("inverse_c1", "the input has rank " + std::to_string(shape.size()) + ", not 2 or more");
    const ir::Dim &rows = shape[shape.size() - 2], &columns = shape.back();
    if (rows.known() && columns.known() && rows.value != columns.value)
      return c.fail("inverse_c2",
                    std::to_string(rows.value) + " rows and " + std::to_string(columns.value) + " columns");
  }
  return infer_same(c);
}

template <class T>
class Elimination {
 public:
  Elimination(const num::Arith<T>& arith, size_t n)
      : arith_(arith), n_(n), wide_(2 * n), rows_(n * 2 * n), by_(2 * n) {}

  T* left(size_t i) { return rows_.data() + i * wide_; }
  T* right(size_t i) { return left(i) + n_; }

  void run() {
    for (size_t i = 0; i < n_; ++i) {
      std::fill_n(right(i), n_, T(0));
      right(i)[i] = T(1);
    }
    for (size_t k = 0; k < n_; ++k) eliminate(k);
  }

 private:
  void eliminate(size_t k) {
    size_t pivot = k;
    for (size_t i = k + 1; i < n_; ++i)
      if (std::fabs(left(i)[k]) > std::fabs(left(pivot)[k])) pivot = i;
    if (pivot != k) std::swap_ranges(left(k), left(k) + wide_, left(pivot));
    arith_.div(left(k), left(k)[k], left(k), wide_);
    for (size_t i = 0; i < n_; ++i) {
      if (i == k) continue;
      T factor = left(i)[k];
      arith_.neg(&factor, &factor, 1);
      std::fill(by_.begin(), by_.end(), factor);
      arith_.fma(by_.data(), left(k), left(i), left(i), wide_);
    }
  }

  const num::Arith<T>& arith_;
  size_t n_, wide_;
  std::vector<T> rows_, by_;
};

template <class T>
void run(KernelContext& c, size_t n) {
  const num::Arith<T> arith(c.policy());
  const size_t matrix = n * n;
  if (c.out(0).size() == 0) return;
  c.threads.for_each(static_cast<size_t>(c.out(0).size()) / matrix, std::max<size_t>(1, kGrain / (matrix * n)),
                     [&](size_t begin, size_t end) {
                       std::vector<T> buffer(matrix);
                       Elimination<T> elimination(arith, n);
                       for (size_t i = begin; i < end; ++i) {
                         const auto at = static_cast<int64_t>(i * matrix);
                         const T* x = load(c.in(0), at, matrix, buffer.data());
                         for (size_t k = 0; k < n; ++k) std::copy_n(x + k * n, n, elimination.left(k));
                         elimination.run();
                         for (size_t k = 0; k < n; ++k) std::copy_n(elimination.right(k), n, buffer.data() + k * n);
                         store(c.out(0), at, matrix, buffer.data(), c.policy());
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

extern const OpDef kMicrosoftInverse = {
    .domain = kMicrosoft,
    .name = "Inverse",
    .doc = "Inverses of square matrices, by Gauss-Jordan elimination with row exchanges.",
    .in = kIn,
    .out = kOut,
    .numeric = Numeric::composite,
    .accumulates = "multiples of pivots' rows, by fused multiply-adds",
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML has no inverse of matrices"},
    .to_nn = {.says = "Core ML has no inverse of matrices"},
    .bound = {.f32 = 1e6},  // sums cancel
};

}  // namespace assay::ops
