// QLinear operators of com.microsoft: what the codes stand for, the operator, and codes again.
#include <algorithm>

#include "ops/lower/codes.h"
#include "ops/lower/elementwise.h"
#include "ops/lower/families.h"
#include "ops/lower/pool_form.h"

namespace assay::ops {
namespace {

/// (codes - zero point) * scale, the codes at input `x`.
template <class S>
Result<typename S::Value> dequantised(S& s, size_t x) {
  ASSAY_TRY(const float scale, fixed_number(s.c, x + 1));
  ASSAY_TRY(const float zero, fixed_number(s.c, x + 2));
  return s.mul(minus(s, whole_numbers(s, x), zero), static_cast<double>(scale));
}

template <class S>
Status quantised(S& s, const typename S::Value& y, size_t scale_input) {
  ASSAY_TRY(const float scale, fixed_divisor(s.c, scale_input));
  ASSAY_TRY(const float zero, fixed_number(s.c, scale_input + 1));
  return codes_result(s, divided(s, y, scale), zero);
}

template <class S, class Operator>
Status unary(S s, Operator op) {
  stay_single(s.c);
  ASSAY_TRY(const auto x, dequantised(s, 0));
  ASSAY_CHECK(s.c.status());
  return quantised(s, op(s, x), 3);
}

template <class S, class Operator>
Status binary(S s, Operator op) {
  stay_single(s.c);
  ASSAY_TRY(const auto a, dequantised(s, 0));
  ASSAY_TRY(const auto b, dequantised(s, 3));
  ASSAY_CHECK(s.c.status());
  return quantised(s, op(s, a, b), 6);
}

const auto kAdd = [](auto& s, const auto& a, const auto& b) { return s.add(a, b); };
const auto kMul = [](auto& s, const auto& a, const auto& b) { return s.mul(a, b); };
const auto kSigmoid = [](auto& s, const auto& x) { return s.sigmoid(x); };

MilValue leaky(MilSteps& s, const MilValue& x) {
  return s.c.make("leaky_relu", {{"x", x}, {"alpha", s.c.number(s.c.op.attr_float("alpha", 0.01F))}}, x.type);
}
std::string leaky(NnSteps& s, const std::string& x) {
  mil::Message params = s.c.params("activation");
  params.set("leakyReLU",
             params.make("leakyReLU").set("alpha", static_cast<double>(s.c.op.attr_float("alpha", 0.01F))));
  return s.c.make("activation", {x}, std::move(params));
}
const auto kLeaky = [](auto& s, const auto& x) { return leaky(s, x); };

MilValue softmax(MilSteps& s, const MilValue& x, int64_t axis) {
  return s.c.make("softmax", {{"x", x}, {"axis", mil::of_int(static_cast<int32_t>(axis))}}, x.type);
}
std::string softmax(NnSteps& s, const std::string& x, int64_t axis) {
  return s.c.make("softmaxND", {x}, s.c.params("softmaxND").set("axis", axis));
}

template <class S>
Status softmax_of(S s) {
  const bool flat = s.c.op.attr_int("opset", 13) < 13;
  const int64_t rank = s.c.rank(0), given = s.c.op.attr_int("axis", flat ? 1 : -1);
  const int64_t axis = given < 0 ? given + rank : given;
  if (rank < 1 || axis < 0) return s.c.refuse("the rank is not known, or 0");
  if (flat && axis + 1 != rank) return s.c.refuse("softmax over several axes at once");
  return unary(s, [axis](S& steps, const typename S::Value& x) { return softmax(steps, x, axis); });
}

template <class S>
Status concat_of(S s) {
  stay_single(s.c);
  const int64_t rank = s.c.rank(2), given = s.c.op.attr_int("axis", 0);
  if (rank < 1) return s.c.refuse("the rank is not known, or 0");
  std::vector<typename S::Value> parts;
  for (size_t i = 2; i + 2 < s.c.input_count(); i += 3) {
    ASSAY_TRY(parts.emplace_back(), dequantised(s, i));
  }
  ASSAY_CHECK(s.c.status());
  return quantised(s, parts.size() == 1 ? parts[0] : s.concat(parts, given < 0 ? given + rank : given), 0);
}

template <class S>
Status mean_of(S s) {
  const int64_t rank = s.c.rank(0);
  if (rank < 3) return s.c.refuse("the rank is not known, or below 3");
  return unary(s, [rank](S& steps, const typename S::Value& x) { return steps.mean(x, axes_between(2, rank)); });
}

/// The means of codes along `axes`, which are left out unless keepdims.
template <class S>
Status reduce_mean_of(S s) {
  const int64_t rank = s.c.rank(0);
  if (rank < 1) return s.c.refuse("the rank is not known, or 0");
  ir::Dims axes = s.c.op.attr_ints("axes");
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  if (axes.empty()) axes = axes_between(0, rank);
  std::ranges::sort(axes);
  if (axes.front() < 0 || axes.back() >= rank) return s.c.refuse("an axis lies outside of the input");
  const bool keep = s.c.op.attr_int("keepdims", 1) != 0;
  return unary(s, [&](S& steps, const typename S::Value& x) {
    const auto mean = steps.mean(x, axes);
    return keep ? mean : steps.squeeze(mean, axes);
  });
}

MilValue where(MilSteps& s, const MilValue& a, const MilValue& b) { return s.c.select(s.c.in(0), a, b); }
std::string where(NnSteps& s, const std::string& a, const std::string& b) { return nn_where(s.c, s.c.in(0), a, b); }

template <class S>
Status where_of(S s) {
  stay_single(s.c);
  ASSAY_TRY(const auto a, dequantised(s, 1));
  ASSAY_TRY(const auto b, dequantised(s, 4));
  ASSAY_CHECK(s.c.status());
  return quantised(s, where(s, a, b), 7);
}

Result<MilValue> average(MilSteps& s, const MilValue& x, const PoolForm& form) { return mil_average(s.c, x, form); }
Result<std::string> average(NnSteps& s, const std::string& x, const PoolForm& form) { return nn_average(s.c, x, form); }

template <class S>
Status average_of(S s) {
  stay_single(s.c);
  ASSAY_TRY(const PoolForm form, average_form(s.c));
  ASSAY_TRY(const auto x, dequantised(s, 0));
  ASSAY_TRY(const auto y, average(s, x, form));
  ASSAY_CHECK(s.c.status());
  return quantised(s, y, 3);
}

}  // namespace

Status qlinear_average_pool_to_mil(MilContext& c) { return average_of(MilSteps(c)); }
Status qlinear_average_pool_to_nn(NnContext& c) { return average_of(NnSteps(c)); }
Status qlinear_reduce_mean_to_mil(MilContext& c) { return reduce_mean_of(MilSteps(c)); }
Status qlinear_reduce_mean_to_nn(NnContext& c) { return reduce_mean_of(NnSteps(c)); }
Status qlinear_where_to_mil(MilContext& c) { return where_of(MilSteps(c)); }
Status qlinear_where_to_nn(NnContext& c) { return where_of(NnSteps(c)); }
Status qlinear_add_to_mil(MilContext& c) { return binary(MilSteps(c), kAdd); }
Status qlinear_add_to_nn(NnContext& c) { return binary(NnSteps(c), kAdd); }
Status qlinear_mul_to_mil(MilContext& c) { return binary(MilSteps(c), kMul); }
Status qlinear_mul_to_nn(NnContext& c) { return binary(NnSteps(c), kMul); }
Status qlinear_sigmoid_to_mil(MilContext& c) { return unary(MilSteps(c), kSigmoid); }
Status qlinear_sigmoid_to_nn(NnContext& c) { return unary(NnSteps(c), kSigmoid); }
Status qlinear_leaky_relu_to_mil(MilContext& c) { return unary(MilSteps(c), kLeaky); }
Status qlinear_leaky_relu_to_nn(NnContext& c) { return unary(NnSteps(c), kLeaky); }
Status qlinear_softmax_to_mil(MilContext& c) { return softmax_of(MilSteps(c)); }
Status qlinear_softmax_to_nn(NnContext& c) { return softmax_of(NnSteps(c)); }
Status qlinear_concat_to_mil(MilContext& c) { return concat_of(MilSteps(c)); }
Status qlinear_concat_to_nn(NnContext& c) { return concat_of(NnSteps(c)); }
Status qlinear_global_average_pool_to_mil(MilContext& c) { return mean_of(MilSteps(c)); }
Status qlinear_global_average_pool_to_nn(NnContext& c) { return mean_of(NnSteps(c)); }

}  // namespace assay::ops
