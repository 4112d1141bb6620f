// MatMulIntegerToFloat and QGemm: exact sums of products of codes in int32, then scales in the compute type.
#include <algorithm>

#include "ops/integer/matmul.h"
#include "ops/integer/requantise.h"
#include "ops/lower/families.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

template <class T>
std::vector<T> all_of(const ir::Tensor& t) {
  std::vector<T> out(static_cast<size_t>(t.size()));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(t.float_at(static_cast<int64_t>(i)));
  return out;
}

// ---- MatMulIntegerToFloat

constexpr integer::Operands kToFloat{0, 4, 1, 5};

Status infer_to_float(InferContext& c) {
  ASSAY_CHECK(integer::check_zero_point_type(c, 0, 4, "matmul_integer_to_float_c1"));
  ASSAY_CHECK(integer::check_zero_point_type(c, 1, 5, "matmul_integer_to_float_c2"));
  ASSAY_TRY(auto shape, infer_product(c, 0, 1));
  c.set(0, c.elem(2), std::move(shape));
  return {};
}

template <class T>
Status to_float(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const ProductShapes shapes = product_shapes(c.in(0).dims(), c.in(1).dims());
  ASSAY_TRY(const integer::IntegerProduct p, integer::integer_product(c, kToFloat));
  ASSAY_TRY(const auto a_scales, integer::per_line<double>(c, 2, "the scale of A", c.in(0), shapes, true));
  ASSAY_TRY(const auto b_scales, integer::per_line<double>(c, 3, "the scale of B", c.in(1), shapes, false));
  if (c.has(6) && static_cast<size_t>(c.in(6).size()) != p.n)
    return c.fail(Code::model_invalid,
                  "a bias of shape " + ir::to_string(c.in(6).dims()) + " for " + std::to_string(p.n) + " columns");
  const std::vector<T> bias = c.has(6) ? all_of<T>(c.in(6)) : std::vector<T>();
  integer::multiply(p, static_cast<const integer::PackedColumns*>(c.prepared), c.threads,
                    [&](size_t batch, size_t row, const int32_t* sums) {
                      std::vector<T> scales(b_scales.each ? p.n : 1);
                      for (size_t n = 0; n < scales.size(); ++n)
                        scales[n] =
                            arith.mul(static_cast<T>(a_scales.at(batch, row)), static_cast<T>(b_scales.at(batch, n)));
                      const auto at = static_cast<int64_t>((batch * p.m + row) * p.n);
                      integer::scaled(arith, sums, scales.data(), b_scales.each, p.n, [&](size_t i, size_t m, T* y) {
                        if (!bias.empty()) arith.add(y, bias.data() + i, y, m);
                        store(c.out(0), at + static_cast<int64_t>(i), m, y, c.policy());
                      });
                    });
  return {};
}

Status eval_to_float(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  return computes_float64(c) ? to_float<double>(c) : to_float<float>(c);
}
Result<std::shared_ptr<const void>> prepare_to_float(PrepareContext& c) { return integer::prepare_columns(c, 1, 5); }

// ---- QGemm

enum QGemmInput : size_t { kA, kAScale, kAZero, kB, kBScale, kBZero, kC, kYScale, kYZero };

Status infer_qgemm(InferContext& c) {
  ASSAY_CHECK(integer::check_zero_point_type(c, kA, kAZero, "qgemm_c1"));
  ASSAY_CHECK(integer::check_zero_point_type(c, kB, kBZero, "qgemm_c2"));
  if (c.has(kYScale) != c.has(kYZero)) return c.fail("qgemm_c3", "y_scale and y_zero_point belong together");
  std::optional<std::vector<ir::Dim>> shape;
  if (c.ranked(kA) && c.ranked(kB)) {
    if (c.rank(kA) != 2 || c.rank(kB) != 2) return c.fail("qgemm_c4", "an operand is no matrix");
    const bool a_turned = c.op().attr_int("transA", 0) != 0, b_turned = c.op().attr_int("transB", 0) != 0;
    const ir::Dim &k = c.shape(kA)[a_turned ? 0 : 1], &other = c.shape(kB)[b_turned ? 1 : 0];
    if (k.known() && other.known() && k.value != other.value)
      return c.fail("qgemm_c5",
                    "inner dimensions " + std::to_string(k.value) + " and " + std::to_string(other.value) + " differ");
    shape = std::vector<ir::Dim>{c.shape(kA)[a_turned ? 1 : 0], c.shape(kB)[b_turned ? 0 : 1]};
  }
  c.set(0, c.has(kYZero) ? c.elem(kYZero) : ir::ElemType::float32, std::move(shape));
  return {};
}

/// One for all columns, or one for each.
template <class T>
Result<integer::PerLine<T>> per_column(const KernelContext& c, size_t input, std::string_view name, size_t columns) {
  integer::PerLine<T> out;
  const ir::Tensor& t = c.in(input);
  if (t.size() != 1 && static_cast<size_t>(t.size()) != columns)
    return c.fail(Code::model_invalid, "there are " + std::to_string(columns) + " columns, and the shape " +
                                           ir::to_string(t.dims()) + " of " + std::string(name));
  out.values = all_of<T>(t);
  out.each = t.size() != 1;
  return out;
}

/// Strides of C as it broadcasts to [m][n].
struct Addend {
  const int32_t* values = nullptr;
  size_t per_row = 0, per_column = 0;
};
Result<Addend> addend_of(const KernelContext& c, size_t m, size_t n) {
  Addend out;
  if (!c.has(kC)) return out;
  ir::Dims dims = c.in(kC).dims();
  while (dims.size() < 2) dims.insert(dims.begin(), 1);
  const auto rows = static_cast<size_t>(dims[0]), columns = static_cast<size_t>(dims[1]);
  if (dims.size() != 2 || (rows != 1 && rows != m) || (columns != 1 && columns != n))
    return c.fail(Code::model_invalid, "C of shape " + ir::to_string(c.in(kC).dims()) + " for " + std::to_string(m) +
                                           " rows and " + std::to_string(n) + " columns");
  out.values = c.in(kC).data<int32_t>();
  out.per_row = rows == 1 ? 0 : columns;
  out.per_column = columns == 1 ? 0 : 1;
  return out;
}

template <class T>
Status qgemm(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  integer::IntegerProduct p;
  const bool a_turned = c.op.attr_int("transA", 0) != 0, b_turned = c.op.attr_int("transB", 0) != 0;
  p.m = static_cast<size_t>(c.out(0).dims()[0]), p.n = static_cast<size_t>(c.out(0).dims()[1]);
  p.k = static_cast<size_t>(c.in(kA).dims()[a_turned ? 0 : 1]);
  p.a = a_turned ? integer::CodeMatrix{&c.in(kA), 1, p.m} : integer::CodeMatrix{&c.in(kA), p.k, 1};
  p.b = b_turned ? integer::CodeMatrix{&c.in(kB), 1, p.k} : integer::CodeMatrix{&c.in(kB), p.n, 1};
  ASSAY_TRY(const double a_scale, only_value(c, kAScale, "a_scale"));
  ASSAY_TRY(const double a_zero, only_value(c, kAZero, "a_zero_point"));
  p.a_zeros.values = {static_cast<int16_t>(a_zero)};
  ASSAY_TRY(p.b_zeros, per_column<int16_t>(c, kBZero, "b_zero_point", p.n));
  ASSAY_TRY(const auto b_scales, per_column<T>(c, kBScale, "b_scale", p.n));
  ASSAY_TRY(const double y_scale, only_value(c, kYScale, "y_scale", 1));
  ASSAY_TRY(const double y_zero, only_value(c, kYZero, "y_zero_point"));
  ASSAY_TRY(const Addend addend, addend_of(c, p.m, p.n));
  const T alpha = arith.mul(static_cast<T>(c.op.attr_float("alpha", 1)), static_cast<T>(a_scale));
  std::vector<T> scales(b_scales.each ? p.n : 1);
  for (size_t n = 0; n < scales.size(); ++n) {
    scales[n] = arith.mul(alpha, b_scales.at(0, n));
    if (c.has(kYScale)) scales[n] = arith.div(scales[n], static_cast<T>(y_scale));
  }
  const auto* ready = static_cast<const integer::PackedColumns*>(c.prepared);
  integer::multiply(p, ready, c.threads, [&](size_t, size_t row, const int32_t* sums) {
    std::vector<int32_t> all(sums, sums + p.n);
    if (addend.values) {
      for (size_t n = 0; n < p.n; ++n)
        all[n] =
            static_cast<int32_t>(static_cast<uint32_t>(all[n]) +
                                 static_cast<uint32_t>(addend.values[row * addend.per_row + n * addend.per_column]));
    }
    const auto at = static_cast<int64_t>(row * p.n);
    if (c.has(kYZero))
      return integer::requantise(arith, all.data(), scales.data(), b_scales.each, p.n, y_zero, c.out(0), at);
    integer::scaled(arith, all.data(), scales.data(), b_scales.each, p.n,
                    [&](size_t i, size_t m, T* y) { store(c.out(0), at + static_cast<int64_t>(i), m, y, c.policy()); });
  });
  return {};
}

/// A constant B that is no transpose.
Result<std::shared_ptr<const void>> prepare_qgemm(PrepareContext& c) {
  if (c.op.attr_int("transB", 0) != 0) return std::shared_ptr<const void>();
  return integer::prepare_columns(c, kB, kBZero);
}

Status eval_qgemm(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  return computes_float64(c) ? qgemm<double>(c) : qgemm<float>(c);
}

constexpr ir::TypeSet kFloat32 = type_set(ir::ElemType::float32);
constexpr In kToFloatIn[] = {{"A", kCodes8},
                             {"B", kCodes8},
                             {"a_scale", kFloat32, kExempt},
                             {"b_scale", kFloat32, kExempt},
                             {"a_zero_point", kCodes8, kOptional},
                             {"b_zero_point", kCodes8, kOptional},
                             {"bias", kFloat32, kOptional}};
constexpr In kQGemmIn[] = {{"A", kCodes8},
                           {"a_scale", kFloat32, kExempt},
                           {"a_zero_point", kCodes8},
                           {"B", kCodes8},
                           {"b_scale", kFloat32, kExempt},
                           {"b_zero_point", kCodes8},
                           {"C", type_set(ir::ElemType::int32), kOptional},
                           {"y_scale", kFloat32, kOptional | kExempt},
                           {"y_zero_point", kCodes8, kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kQGemmAttrs[] = {{"alpha", "1"}, {"transA", "0"}, {"transB", "0"}};

}  // namespace

extern const OpDef kMicrosoftMatMulIntegerToFloat = {
    .domain = "com.microsoft",
    .name = "MatMulIntegerToFloat",
    .since = 1,
    .doc = "MatMulInteger, its exact sums times a_scale * b_scale, then + bias.",
    .in = kToFloatIn,
    .out = kOut,
    .mixed = true,
    .numeric = Numeric::convert,
    .infer = infer_to_float,
    .eval = eval_to_float,
    .prepare = prepare_to_float,
    .to_mil = {matmul_integer_to_float_to_mil, "matmul with a constant matrix, where float32 holds the sums; mul, add"},
    .to_nn =
        {matmul_integer_to_float_to_nn,
         "batchedMatmul with a constant matrix, where float32 holds the sums; multiplyBroadcastable, addBroadcastable"},
};

extern const OpDef kMicrosoftQGemm = {
    .domain = "com.microsoft",
    .name = "QGemm",
    .since = 1,
    .doc = "Gemm of 8-bit codes: an exact sum in int32, + C, times alpha * a_scale * b_scale, as floats or codes.",
    .in = kQGemmIn,
    .out = kOut,
    .attrs = kQGemmAttrs,
    .mixed = true,
    .numeric = Numeric::convert,
    .infer = infer_qgemm,
    .eval = eval_qgemm,
    .prepare = prepare_qgemm,
    .to_mil = {qgemm_to_mil, "matmul with a constant matrix, where float32 holds the sums; mul, round, clip"},
    .to_nn = {qgemm_to_nn,
              "batchedMatmul with a constant matrix, where float32 holds the sums; multiplyBroadcastable, floor, "
              "comparisons, clip"},
};

}  // namespace assay::ops
