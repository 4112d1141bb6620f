// Softmax, LogSoftmax and Hardmax.
#include "ops/lower/rules.h"

namespace assay::ops {
namespace {

/// The axis, counted from the front; -1 for scalars, which have none.
template <class Context>
int64_t axis_of(const Context& c) {
  const int64_t axis = c.op.attr_int("axis", -1);
  return axis < 0 ? axis + c.rank(0) : axis;
}

constexpr char kScalar[] = "a scalar has no axis";

}  // namespace

Status softmax_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const int64_t axis = axis_of(c);
  if (axis < 0) return c.refuse(kScalar);
  return c.emit("softmax", {{"x", c.in(0)}, {"axis", mil::of_int(static_cast<int32_t>(axis))}});
}

Status softmax_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const int64_t axis = axis_of(c);
  if (axis < 0) return c.refuse(kScalar);
  return c.layer("softmaxND", {c.in(0)}, c.params("softmaxND").set("axis", axis));
}

/// (x - max) - log(sum(exp(x - max))): log(softmax) would lose what softmax rounds to 0.
Status log_softmax_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const int64_t axis = axis_of(c);
  if (axis < 0) return c.refuse(kScalar);
  const MilValue x = c.in(0);
  ASSAY_CHECK(c.status());
  const MilValue shifted = c.binary("sub", x, mil_reduced(c, "reduce_max", x, axis));
  const MilValue sum = mil_reduced(c, "reduce_sum", c.unary("exp", shifted), axis);
  return c.emit("sub", {{"x", shifted}, {"y", c.make("log", {{"x", sum}, {"epsilon", c.number(0)}}, sum.type)}});
}

Status log_softmax_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const int64_t axis = axis_of(c);
  if (axis < 0) return c.refuse(kScalar);
  const std::string x = c.in(0);
  const std::string shifted = c.make("subtractBroadcastable", {x, nn_reduced(c, "reduceMax", x, axis)});
  const std::string sum = nn_reduced(c, "reduceSum", nn_function(c, NnFunction::exp, shifted), axis);
  return c.layer("subtractBroadcastable", {shifted, nn_function(c, NnFunction::log, sum)});
}

/// The first of the largest (of the NaNs, where there are some): the one that a running count of them numbers 1.
/// Indices of the largest leave open which of equals they name.
Status hardmax_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const int64_t axis = axis_of(c);
  if (axis < 0) return c.refuse(kScalar);
  const MilValue x = c.in(0);
  ASSAY_CHECK(c.status());
  const MilValue largest = c.compare("equal", x, mil_reduced(c, "reduce_max", x, axis));
  const MilValue best = c.binary("logical_or", largest, c.compare("not_equal", x, x));
  const MilValue ones = c.cast(best, mil::DataType::int32);
  const MilValue count = c.make("cumsum",
                                {{"x", ones},
                                 {"axis", mil::of_int(static_cast<int32_t>(axis))},
                                 {"exclusive", mil::of_bool(false)},
                                 {"reverse", mil::of_bool(false)}},
                                ones.type);
  const MilValue first = c.binary("logical_and", best, c.compare("equal", count, c.constant_value(mil::of_int(1))));
  return c.emit("cast", {{"x", first}, {"dtype", mil::of_text(std::string(mil::data_type_row(x.data())->word))}});
}

Status hardmax_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const int64_t axis = axis_of(c);
  if (axis < 0) return c.refuse(kScalar);
  const std::string x = c.in(0);
  const std::string largest = c.make("equal", {x, nn_reduced(c, "reduceMax", x, axis)});
  const std::string best = c.make("logicalOr", {largest, c.make("notEqual", {x, x})});
  const std::string count = c.make("cumSum", {best}, c.params("cumSum").set("axis", axis));
  return c.layer("logicalAnd", {best, nn_against(c, "equal", count, 1)});
}

}  // namespace assay::ops
