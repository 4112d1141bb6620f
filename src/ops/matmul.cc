#include <algorithm>

#include "ops/contraction/matrix_product.h"
#include "ops/contraction/row_product.h"
#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/lower/families.h"
#include "ops/product_shape.h"

namespace assay::ops {
namespace {

using contraction::MatrixProduct;

Status infer(InferContext& c) {
  ASSAY_TRY(auto shape, infer_product(c, 0, 1));
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

// Integers wrap modulo 2^bits; k ascending does not matter.
template <class T>
void multiply_integers(KernelContext& c, const MatrixProduct& p) {
  using Wrapping = std::make_unsigned_t<T>;
  const T *a = c.in(0).data<T>(), *b = c.in(1).data<T>();
  T* out = c.out(0).mutable_data<T>();
  c.threads.for_each(p.batches * p.m, 1 + 65536 / (p.n * p.k + 1), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const size_t batch = row / p.m, m = row % p.m;
      const T* x = a + (p.a_offsets.empty() ? 0 : p.a_offsets[batch]) + m * p.k;
      const T* y = b + (p.b_offsets.empty() ? 0 : p.b_offsets[batch]);
      T* to = out + row * p.n;
      std::fill(to, to + p.n, T{0});
      for (size_t k = 0; k < p.k; ++k) {
        for (size_t n = 0; n < p.n; ++n)
          to[n] = static_cast<T>(static_cast<Wrapping>(to[n]) +
                                 static_cast<Wrapping>(x[k]) * static_cast<Wrapping>(y[k * p.n + n]));
      }
    }
  });
}

Status eval(KernelContext& c) {
  const ProductShapes s = product_shapes(c.in(0).dims(), c.in(1).dims());
  MatrixProduct p;
  p.batches = extent_of(s.batch), p.m = s.m, p.n = s.n, p.k = s.k;
  const bool shared_b = extent_of(s.b_batch) == 1;
  if (shared_b) {  // one matrix for all: the batches are rows
    p.m *= p.batches;
    p.batches = std::min<size_t>(p.batches, 1);
  } else {
    p.a_offsets = matrix_offsets(s.a_batch, s.batch, s.m * s.k);
    p.b_offsets = matrix_offsets(s.b_batch, s.batch, s.k * s.n);
  }
  p.a = contraction::matrix_view(c.in(0), s.m, s.k, true);
  p.b = contraction::matrix_view(c.in(1), s.k, s.n, false);
  switch (c.in(0).elem()) {
    case ir::ElemType::int32:
      return multiply_integers<int32_t>(c, p), Status{};
    case ir::ElemType::int64:
      return multiply_integers<int64_t>(c, p), Status{};
    case ir::ElemType::uint32:
      return multiply_integers<uint32_t>(c, p), Status{};
    case ir::ElemType::uint64:
      return multiply_integers<uint64_t>(c, p), Status{};
    default:
      return contraction::multiply(c, p, shared_b ? c.prepared : nullptr);
  }
}

Result<std::shared_ptr<const void>> prepare(PrepareContext& c) {
  std::shared_ptr<const void> nothing;
  if (!c.has(1) || !ir::is_float(c.constants[1]->elem())) return nothing;
  const ir::Tensor& b = *c.constants[1];
  const auto n = static_cast<size_t>(b.rank() == 1 ? 1 : b.dims().back());
  const auto k = static_cast<size_t>(b.dims()[b.rank() == 1 ? 0 : b.dims().size() - 2]);
  if (static_cast<size_t>(b.size()) != n * k) return nothing;
  const ir::Type& a = c.graph.at(c.op.inputs[0]).type;
  const contraction::MatrixView view = contraction::matrix_view(b, k, n, false);
  const bool one_row = a.is_static() && extent_of(a.dims()) == k;
  if (one_row && contraction::suits_row_product(1, view, c.op.policy)) return nothing;
  return contraction::prepare_b(c, view, 1, {}, n, k);
}

constexpr ir::TypeSet kTypes = kFloats | kIndices | type_set(ir::ElemType::uint32) | type_set(ir::ElemType::uint64);
constexpr In kIn[] = {{"A", kTypes}, {"B", kTypes}};
constexpr Out kOut[] = {{"Y"}};

}  // namespace

extern const OpDef kMatMul = {
    .name = "MatMul",
    .since = 13,
    .doc = "Matrix product as numpy.matmul forms it: leading dimensions broadcast.",
    .in = kIn,
    .out = kOut,
    .numeric = Numeric::contraction,
    .accumulates = "products over k",
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .to_mil = {matmul_to_mil, "linear for a constant matrix, else matmul"},
    .to_nn = {matmul_to_nn, "innerProduct, batchedMatmul"},
    .takes_epilogue = true,
};

}  // namespace assay::ops
