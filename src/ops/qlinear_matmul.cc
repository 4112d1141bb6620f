// QLinearMatMul. Of 8-bit integers the sums are exact in int32 (modulo 2^32); of 8-bit floats they are those of MatMul.
#include <algorithm>

#include "ops/inner_op.h"
#include "ops/integer/matmul.h"
#include "ops/integer/requantise.h"
#include "ops/lower/families.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

constexpr integer::Operands kOperands{0, 2, 3, 5};

Status infer(InferContext& c) {
  ASSAY_CHECK(integer::check_zero_point_type(c, 0, 2, "qlinear_matmul_c1"));
  ASSAY_CHECK(integer::check_zero_point_type(c, 3, 5, "qlinear_matmul_c2"));
  ASSAY_TRY(auto shape, infer_product(c, 0, 3));
  c.set(0, c.elem(7), std::move(shape));
  return {};
}

template <class T>
Status integers(KernelContext& c, double y_scale, double y_zero) {
  const num::Arith<T> arith(c.policy());
  const ProductShapes shapes = product_shapes(c.in(0).dims(), c.in(3).dims());
  ASSAY_TRY(const integer::IntegerProduct p, integer::integer_product(c, kOperands));
  ASSAY_TRY(const auto a_scales, integer::per_line<double>(c, 1, "the scale of a", c.in(0), shapes, true));
  ASSAY_TRY(const auto b_scales, integer::per_line<double>(c, 4, "the scale of b", c.in(3), shapes, false));
  const size_t count = b_scales.each ? p.n : 1;
  const auto scales_of = [&](size_t batch, size_t row) {
    std::vector<T> scales(count);
    for (size_t n = 0; n < count; ++n)
      scales[n] = integer::code_scale(arith, a_scales.at(batch, row), b_scales.at(batch, n), y_scale);
    return scales;
  };
  const bool constant = !a_scales.each && b_scales.per_batch.empty();
  const std::vector<T> common = constant ? scales_of(0, 0) : std::vector<T>();
  integer::multiply(p, static_cast<const integer::PackedColumns*>(c.prepared), c.threads,
                    [&](size_t batch, size_t row, const int32_t* sums) {
                      const std::vector<T> own = constant ? std::vector<T>() : scales_of(batch, row);
                      const T* scales = constant ? common.data() : own.data();
                      integer::requantise(arith, sums, scales, b_scales.each, p.n, y_zero, c.out(0),
                                          static_cast<int64_t>((batch * p.m + row) * p.n));
                    });
  return {};
}

/// A parameter of the rows of A as a tensor that broadcasts against A: a vector becomes a column.
ir::Tensor as_column(ir::Tensor t) { return t.rank() == 1 && t.size() > 1 ? t.reshaped({t.size(), 1}) : t; }

Result<ir::Tensor> of_two(const KernelContext& c, std::string_view type, ir::Tensor a, ir::Tensor b) {
  return InnerOp(c, type).in(std::move(a)).in(std::move(b)).run();
}

template <class T>
Status floats(KernelContext& c, double y_zero) {
  ASSAY_TRY(const ir::Tensor a, of_two(c, "Sub", widened(c, 0), as_column(widened(c, 2))));
  ASSAY_TRY(const ir::Tensor b, of_two(c, "Sub", widened(c, 3), widened(c, 5)));
  if (a.dims() != c.in(0).dims() || b.dims() != c.in(3).dims())
    return c.fail(Code::model_invalid, "a zero point does not fit its operand");
  ASSAY_TRY(const ir::Tensor sums, of_two(c, "MatMul", a, b));
  ASSAY_TRY(const ir::Tensor both, of_two(c, "Mul", as_column(widened(c, 1)), widened(c, 4)));
  ASSAY_TRY(const ir::Tensor scale, of_two(c, "Div", both, widened(c, 6)));
  ASSAY_TRY(const ir::Tensor quotients, of_two(c, "Mul", sums, scale));
  if (quotients.size() != c.out(0).size()) return c.fail(Code::model_invalid, "a scale does not fit its operand");
  store_quantised(c.out(0), 0, static_cast<size_t>(quotients.size()), quotients.data<T>(), y_zero);
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const double y_scale, only_value(c, 6, "the scale of y"));
  ASSAY_TRY(const double y_zero, only_value(c, 7, "the zero point of y"));
  const bool wide = computes_float64(c);
  if (kCodes8.has(c.in(0).elem()) && kCodes8.has(c.in(3).elem()))
    return wide ? integers<double>(c, y_scale, y_zero) : integers<float>(c, y_scale, y_zero);
  return wide ? floats<double>(c, y_zero) : floats<float>(c, y_zero);
}

Result<std::shared_ptr<const void>> prepare(PrepareContext& c) {
  if (!kCodes8.has(c.graph.at(c.op.inputs[0]).type.elem)) return std::shared_ptr<const void>();
  return integer::prepare_columns(c, 3, 5);
}

constexpr ir::TypeSet kCodes = kCodes8 | kCodesFloat8;
constexpr ir::TypeSet kScales =
    type_set(ir::ElemType::float32) | type_set(ir::ElemType::float16) | type_set(ir::ElemType::bfloat16);
constexpr In kIn[] = {{"a", kCodes},
                      {"a_scale", kScales, kExempt},
                      {"a_zero_point", kCodes},
                      {"b", kCodes},
                      {"b_scale", kScales, kExempt},
                      {"b_zero_point", kCodes},
                      {"y_scale", kScales, kExempt},
                      {"y_zero_point", kCodes}};
constexpr Out kOut[] = {{"y"}};

}  // namespace

extern const OpDef kQLinearMatMul = {
    .name = "QLinearMatMul",
    .since = 21,
    .doc =
        "Matrix product of 8-bit codes: an exact sum in int32, times a_scale * b_scale / y_scale, to the nearest code.",
    .in = kIn,
    .out = kOut,
    .mixed = true,
    .numeric = Numeric::convert,
    .accumulates = "products over k of 8-bit floats, as MatMul",
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .to_mil = {qlinear_matmul_to_mil, "matmul with a constant matrix, where float32 holds the sums; mul, round, clip"},
    .to_nn = {qlinear_matmul_to_nn,
              "batchedMatmul with a constant matrix, where float32 holds the sums; multiplyBroadcastable, floor, "
              "comparisons, clip"},
};

}  // namespace assay::ops
