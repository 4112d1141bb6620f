// Products of codes with a constant matrix, in float32: where no sum may leave what it holds exactly, the sums are the
// integers that they are in ONNX, whatever order a device adds them in.
#include "ops/lower/codes.h"
#include "ops/lower/families.h"

namespace assay::ops {
namespace {

constexpr size_t kNone = SIZE_MAX;
constexpr char kTooLarge[] = "sums of products that float32 may not hold exactly (more than 2^24)";

struct Product {
  size_t a, a_zero, b, b_zero, addend = kNone;
  bool a_turned = false, b_turned = false;
};

template <class C>
bool is_byte(const C& c, size_t i) {
  return c.elem(i) == ir::ElemType::int8 || c.elem(i) == ir::ElemType::uint8;
}

/// A constant addend as rows of `columns`; its dimensions in front of them are kept.
template <class S>
Result<typename S::Value> addend_of(S& s, const ir::Tensor& t, double& largest) {
  std::vector<float> values(static_cast<size_t>(t.size()));
  for (size_t k = 0; k < values.size(); ++k) {
    const auto value = static_cast<double>(t.int_at(static_cast<int64_t>(k)));
    largest = std::max(largest, std::abs(value));
    values[k] = static_cast<float>(value);
  }
  return s.floats(values, t.rank() == 0 ? ir::Dims{1} : t.dims());
}

/// The exact sums; `columns` is set to how many there are in a row.
template <class S>
Result<typename S::Value> sums(S& s, const Product& p, int64_t& columns) {
  auto& c = s.c;
  stay_single(c);
  const ir::Tensor* w = c.constant(p.b);
  if (w == nullptr || w->rank() != 2 || c.rank(p.a) < 2 || !is_byte(c, p.a) || !is_byte(c, p.b))
    return c.refuse("a product of codes that is not one of arrays with a constant matrix");
  const int64_t rows = w->dims()[p.b_turned ? 1 : 0];
  columns = w->dims()[p.b_turned ? 0 : 1];
  ASSAY_TRY(const std::vector<float> zeros, fixed_numbers(c, p.b_zero, columns));
  const bool computed_zero = c.has(p.a_zero) && c.constant(p.a_zero) == nullptr;
  if (computed_zero && (!c.is_static(p.a_zero) || c.rank(p.a_zero) != 0)) return c.refuse(kComputedParameter);
  float a_zero = 0;
  if (!computed_zero) {
    ASSAY_TRY(a_zero, fixed_number(c, p.a_zero));
  }
  const double reach = computed_zero ? 255 : reach_of(c.elem(p.a), a_zero);
  std::vector<float> weights(static_cast<size_t>(rows * columns));
  double largest = 0, addend = 0;
  for (int64_t n = 0; n < columns; ++n) {
    double sum = 0;
    for (int64_t k = 0; k < rows; ++k) {
      const int64_t from = p.b_turned ? n * rows + k : k * columns + n;
      const float value = static_cast<float>(w->int_at(from)) - zeros[zeros.size() == 1 ? 0 : static_cast<size_t>(n)];
      weights[static_cast<size_t>(k * columns + n)] = value;
      sum += std::abs(static_cast<double>(value)) * reach;
    }
    largest = std::max(largest, sum);
  }
  typename S::Value x = whole_numbers(s, p.a);
  if (computed_zero)
    x = s.sub(x, whole_numbers(s, p.a_zero));
  else
    x = minus(s, x, a_zero);
  ASSAY_CHECK(c.status());
  if (p.a_turned) x = s.transpose(x, {1, 0});
  typename S::Value y = s.matmul(x, s.floats(weights, {rows, columns}));
  if (p.addend != kNone && c.has(p.addend)) {
    const ir::Tensor* bias = c.constant(p.addend);
    if (bias == nullptr) return c.refuse("an addend that is computed");
    ASSAY_TRY(const auto values, addend_of(s, *bias, addend));
    y = s.add(y, values);
  }
  if (largest + addend > static_cast<double>(kExactSum)) return c.refuse(kTooLarge);
  return y;
}

/// Times one number, or one for each column.
template <class S>
typename S::Value scaled(S& s, const typename S::Value& y, const std::vector<float>& scales) {
  if (scales.size() == 1) return s.mul(y, static_cast<double>(scales[0]));
  return s.mul(y, s.floats(scales, {static_cast<int64_t>(scales.size())}));
}

/// alpha * a * b for each b, left to right, / y.
std::vector<float> code_scales(float alpha, float a, std::vector<float> b, float y) {
  for (float& scale : b) scale = alpha * a * scale / y;
  return b;
}

MilValue integers(MilSteps& s, const MilValue& y) { return s.c.cast(y, mil::DataType::int32); }
std::string integers(NnSteps&, const std::string& y) { return y; }

template <class S>
Status matmul_integer(S s) {
  int64_t columns = 0;
  ASSAY_TRY(const auto y, sums(s, {0, 2, 1, 3}, columns));
  return s.c.result(integers(s, y));
}

template <class S>
Status qlinear_matmul(S s) {
  int64_t columns = 0;
  ASSAY_TRY(const auto y, sums(s, {0, 2, 3, 5}, columns));
  ASSAY_TRY(const float a, fixed_number(s.c, 1));
  ASSAY_TRY(const std::vector<float> b, fixed_numbers(s.c, 4, columns));
  ASSAY_TRY(const float by, fixed_divisor(s.c, 6));
  ASSAY_TRY(const float zero, fixed_number(s.c, 7));
  return codes_result(s, scaled(s, y, code_scales(1, a, b, by)), zero);
}

template <class S>
Status qgemm(S s) {
  int64_t columns = 0;
  const bool a_turned = s.c.op.attr_int("transA", 0) != 0, b_turned = s.c.op.attr_int("transB", 0) != 0;
  ASSAY_TRY(const auto y, sums(s, {0, 2, 3, 5, 6, a_turned, b_turned}, columns));
  ASSAY_TRY(const float a, fixed_number(s.c, 1));
  ASSAY_TRY(const std::vector<float> b, fixed_numbers(s.c, 4, columns));
  const float alpha = s.c.op.attr_float("alpha", 1);
  if (!s.c.has(8)) return s.c.result(scaled(s, y, code_scales(alpha, a, b, 1)));
  ASSAY_TRY(const float by, fixed_divisor(s.c, 7));
  ASSAY_TRY(const float zero, fixed_number(s.c, 8));
  return codes_result(s, scaled(s, y, code_scales(alpha, a, b, by)), zero);
}

template <class S>
Status to_float(S s) {
  int64_t columns = 0;
  ASSAY_TRY(auto y, sums(s, {0, 4, 1, 5}, columns));
  ASSAY_TRY(const std::vector<float> b, fixed_numbers(s.c, 3, columns));
  if (s.c.constant(2) != nullptr) {
    ASSAY_TRY(const float a, fixed_number(s.c, 2));
    y = scaled(s, y, code_scales(1, a, b, 1));
  } else {  // DynamicQuantizeLinear's
    if (!s.c.is_static(2) || s.c.rank(2) != 0) return s.c.refuse(kComputedParameter);
    y = s.mul(y, scaled(s, s.in(2), b));
  }
  if (s.c.has(6)) y = s.add(y, s.in(6));
  ASSAY_CHECK(s.c.status());
  return s.c.result(y);
}

}  // namespace

Status matmul_integer_to_mil(MilContext& c) { return matmul_integer(MilSteps(c)); }
Status matmul_integer_to_nn(NnContext& c) { return matmul_integer(NnSteps(c)); }
Status qlinear_matmul_to_mil(MilContext& c) { return qlinear_matmul(MilSteps(c)); }
Status qlinear_matmul_to_nn(NnContext& c) { return qlinear_matmul(NnSteps(c)); }
Status qgemm_to_mil(MilContext& c) { return qgemm(MilSteps(c)); }
Status qgemm_to_nn(NnContext& c) { return qgemm(NnSteps(c)); }
Status matmul_integer_to_float_to_mil(MilContext& c) { return to_float(MilSteps(c)); }
Status matmul_integer_to_float_to_nn(NnContext& c) { return to_float(NnSteps(c)); }

}  // namespace assay::ops
