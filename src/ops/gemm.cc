#include "ops/contraction/matrix_product.h"
#include "ops/contraction/row_product.h"
#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

struct Sides {
  size_t rows, columns;  // after transposing
};

Sides sides(const ir::Dims& dims, bool transposed) {
  const auto a = static_cast<size_t>(dims[0]), b = static_cast<size_t>(dims[1]);
  return transposed ? Sides{b, a} : Sides{a, b};
}

Status infer(InferContext& c) {
  const bool ta = c.op().attr_int("transA", 0) != 0, tb = c.op().attr_int("transB", 0) != 0;
  if (!c.ranked(0) || !c.ranked(1)) {
    c.set(0, c.elem(0), std::vector<ir::Dim>(2));
    return {};
  }
  if (c.rank(0) != 2 || c.rank(1) != 2) return c.fail("gemm_c1", "A and B must be matrices");
  const ir::Dim m = c.shape(0)[ta ? 1 : 0], ka = c.shape(0)[ta ? 0 : 1];
  const ir::Dim kb = c.shape(1)[tb ? 1 : 0], n = c.shape(1)[tb ? 0 : 1];
  if (ka.known() && kb.known() && ka.value != kb.value)
    return c.fail("gemm_c2",
                  "inner dimensions " + std::to_string(ka.value) + " and " + std::to_string(kb.value) + " differ");
  std::vector<ir::Dim> out = {m, n};
  if (c.has(2) && c.ranked(2)) {
    const auto& added = c.shape(2);
    for (size_t i = 0; i < added.size(); ++i) {
      const ir::Dim& have = added[added.size() - 1 - i];
      if (i >= 2 || (have.known() && have.value != 1 && out[1 - i].known() && have.value != out[1 - i].value))
        return c.fail("gemm_c3", "C of shape " + to_string(c.type(2)) + " does not broadcast to the result");
    }
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

contraction::Addend addend_of(const ir::Tensor& c, size_t m, size_t n, float beta) {
  contraction::Addend addend{.tensor = &c, .beta = beta};
  const auto size = static_cast<size_t>(c.size());
  if (c.rank() == 0 || size == 1) return addend;
  const bool rows = c.rank() == 2 && c.dims()[0] != 1, columns = c.dims().back() != 1;
  addend.per_column = columns && n > 1 ? 1 : 0;
  addend.per_row = rows && m > 1 ? (columns ? n : 1) : 0;
  return addend;
}

template <class T>
void multiply_integers(KernelContext& c, const Sides& a, const Sides& b) {
  const T *x = c.in(0).data<T>(), *y = c.in(1).data<T>();
  const bool ta = c.op.attr_int("transA", 0) != 0, tb = c.op.attr_int("transB", 0) != 0;
  const contraction::Addend addend = c.has(2) ? addend_of(c.in(2), a.rows, b.columns, 1) : contraction::Addend{};
  const double alpha = c.op.attr_float("alpha", 1), beta = c.op.attr_float("beta", 1);
  for (size_t m = 0; m < a.rows; ++m) {
    for (size_t n = 0; n < b.columns; ++n) {
      uint64_t sum = 0;
      for (size_t k = 0; k < a.columns; ++k)
        sum += static_cast<uint64_t>(x[ta ? k * a.rows + m : m * a.columns + k]) *
               static_cast<uint64_t>(y[tb ? n * b.rows + k : k * b.columns + n]);
      T value = static_cast<T>(sum);
      if (alpha != 1) value = static_cast<T>(alpha * static_cast<double>(value));
      if (addend.tensor) {
        const T added = addend.tensor->data<T>()[m * addend.per_row + n * addend.per_column];
        const T scaled = beta == 1 ? added : static_cast<T>(beta * static_cast<double>(added));
        value = static_cast<T>(static_cast<uint64_t>(value) + static_cast<uint64_t>(scaled));
      }
      c.out(0).mutable_data<T>()[m * b.columns + n] = value;
    }
  }
}

Status eval(KernelContext& c) {
  const bool ta = c.op.attr_int("transA", 0) != 0, tb = c.op.attr_int("transB", 0) != 0;
  const Sides a = sides(c.in(0).dims(), ta), b = sides(c.in(1).dims(), tb);
  switch (c.in(0).elem()) {
    case ir::ElemType::int32:
      return multiply_integers<int32_t>(c, a, b), Status{};
    case ir::ElemType::int64:
      return multiply_integers<int64_t>(c, a, b), Status{};
    case ir::ElemType::uint32:
      return multiply_integers<uint32_t>(c, a, b), Status{};
    case ir::ElemType::uint64:
      return multiply_integers<uint64_t>(c, a, b), Status{};
    default:
      break;
  }
  contraction::MatrixProduct p;
  p.m = a.rows, p.n = b.columns, p.k = a.columns;
  p.a = ta ? contraction::matrix_view(c.in(0), p.k, p.m, false) : contraction::matrix_view(c.in(0), p.m, p.k, true);
  p.b = tb ? contraction::matrix_view(c.in(1), p.n, p.k, true) : contraction::matrix_view(c.in(1), p.k, p.n, false);
  p.alpha = c.op.attr_float("alpha", 1);
  if (c.has(2)) p.addend = addend_of(c.in(2), p.m, p.n, c.op.attr_float("beta", 1));
  return contraction::multiply(c, p, c.prepared);
}

Result<std::shared_ptr<const void>> prepare(PrepareContext& c) {
  std::shared_ptr<const void> nothing;
  if (!c.has(1) || !ir::is_float(c.constants[1]->elem()) || c.constants[1]->rank() != 2) return nothing;
  const ir::Tensor& b = *c.constants[1];
  const bool ta = c.op.attr_int("transA", 0) != 0, tb = c.op.attr_int("transB", 0) != 0;
  const Sides s = sides(b.dims(), tb);
  const contraction::MatrixView view =
      tb ? contraction::matrix_view(b, s.columns, s.rows, true) : contraction::matrix_view(b, s.rows, s.columns, false);
  const ir::Type& a = c.graph.at(c.op.inputs[0]).type;
  const bool one_row = a.is_static() && a.dims().size() == 2 && a.dims()[ta ? 1 : 0] == 1;
  if (one_row && contraction::suits_row_product(1, view, c.op.policy)) return nothing;
  return contraction::prepare_b(c, view, 1, {}, s.columns, s.rows);
}

// Before version 7 the addend broadcast only when asked to, from the left; a product's addend always broadcasts now.
Status drop_broadcast(UpgradeContext& c) {
  c.op.remove_attr("broadcast");
  return {};
}

bool is_plain_addend(const ir::Type& type, int64_t columns) {
  if (!type.is_static()) return false;
  const ir::Dims dims = type.dims();
  return dims == ir::Dims{columns} || dims == ir::Dims{1, columns};
}

/// linear holds its weight as [out, in]: what transB = 1 says.
Status to_mil(MilContext& c) {
  const bool ta = c.op.attr_int("transA", 0) != 0, tb = c.op.attr_int("transB", 0) != 0;
  const float alpha = c.op.attr_float("alpha", 1), beta = c.op.attr_float("beta", 1);
  if (!ir::is_float(c.elem(0))) return c.refuse("products of integers have no counterpart that is known to be exact");
  const int64_t columns = c.dim(1, tb ? 0 : 1);
  const bool folds_addend = !c.has(2) || (c.constant(2) && c.constant(2)->dims() == ir::Dims{columns} && beta == 1);
  const bool turns = c.constant(1) && c.constant(1)->elem() == ir::ElemType::float32;
  if ((tb ? c.constant(1) != nullptr : turns) && !ta && alpha == 1 && folds_addend) {
    MilParams params = {{"x", c.in(0)}, {"weight", tb ? c.in(1) : c.transposed_constant(1)}};
    if (c.has(2)) params.push_back({"bias", c.in(2)});
    return c.emit("linear", params);
  }
  const MilParams product = {
      {"x", c.in(0)}, {"y", c.in(1)}, {"transpose_x", mil::of_bool(ta)}, {"transpose_y", mil::of_bool(tb)}};
  if (alpha == 1 && !c.has(2)) return c.emit("matmul", product);
  MilValue y = c.make("matmul", product, mil::Type::tensor(c.precision(), mil::Dims{c.dim(0, ta ? 1 : 0), columns}));
  if (alpha != 1 && !c.has(2)) return c.emit("mul", {{"x", y}, {"y", c.number(alpha)}});
  if (alpha != 1) y = c.binary("mul", y, alpha);
  return c.emit("add", {{"x", y}, {"y", beta == 1 ? c.in(2) : c.binary("mul", c.in(2), beta)}});
}

Status to_nn(NnContext& c) {
  const bool ta = c.op.attr_int("transA", 0) != 0, tb = c.op.attr_int("transB", 0) != 0;
  const float alpha = c.op.attr_float("alpha", 1), beta = c.op.attr_float("beta", 1);
  if (!ir::is_float(c.elem(0))) return c.refuse("layers compute in floating point");
  const ir::Tensor* w = c.constant(1);
  const int64_t rows = c.dim(1, tb ? 1 : 0), columns = c.dim(1, tb ? 0 : 1);
  const bool bias = c.has(2) && c.constant(2) && is_plain_addend(c.type(2), columns) && beta == 1;
  const bool plain = !ta && alpha == 1 && w != nullptr && w->elem() == ir::ElemType::float32;
  std::string y;
  if (plain) {
    auto weights = tb ? nn_weights(*w) : nn_weights_transposed(*w);
    if (!weights.ok()) return weights.error();
    mil::Message params = c.params("innerProduct");
    params.set("inputChannels", rows).set("outputChannels", columns).set("hasBias", int64_t{bias});
    params.set("weights", *std::move(weights));
    if (bias) params.set("bias", c.weights(*c.constant(2)));
    if (bias || !c.has(2)) return c.layer("innerProduct", {c.in(0)}, std::move(params));
    y = c.make("innerProduct", {c.in(0)}, std::move(params));
  } else {
    y = c.make("batchedMatmul", {c.in(0), c.in(1)},
               c.params("batchedMatmul").set("transposeA", int64_t{ta}).set("transposeB", int64_t{tb}));
  }
  if (alpha != 1) y = c.make("multiplyBroadcastable", {y, c.number(alpha)});
  if (!c.has(2)) return c.result(y);
  const std::string addend = beta == 1 ? c.in(2) : c.make("multiplyBroadcastable", {c.in(2), c.number(beta)});
  return c.layer("addBroadcastable", {y, addend});
}

constexpr ir::TypeSet kTypes = kFloats | kIndices | type_set(ir::ElemType::uint32) | type_set(ir::ElemType::uint64);
constexpr In kIn[] = {{"A", kTypes}, {"B", kTypes}, {"C", kTypes, kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"alpha", "1.0"}, {"beta", "1.0"}, {"transA", "0"}, {"transB", "0"}};
constexpr Upgrade kUpgrades[] = {{7, drop_broadcast}};

}  // namespace

extern const OpDef kGemm = {
    .name = "Gemm",
    .since = 13,
    .doc = "alpha * A' * B' + beta * C, where A' and B' are A and B or their transposes.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::contraction,
    .accumulates = "products over k",
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .to_mil = {to_mil, "linear; else matmul, mul, add"},
    .to_nn = {to_nn, "innerProduct; else batchedMatmul, multiplyBroadcastable, addBroadcastable"},
    .takes_epilogue = true,
};

}  // namespace assay::ops
