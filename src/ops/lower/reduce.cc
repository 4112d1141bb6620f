#include "ops/lower/reduce.h"

#include <algorithm>
#include <array>
#include <optional>

#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

struct Words {
  Reduction kind;
  std::string_view mil, nn;
  bool integers;  ///< exact for integers too
};
constexpr std::array<Words, 10> kWords = {{
    {Reduction::sum, "reduce_sum", "reduceSum", true},
    {Reduction::mean, "reduce_mean", "reduceMean", false},
    {Reduction::max, "reduce_max", "reduceMax", true},
    {Reduction::min, "reduce_min", "reduceMin", true},
    {Reduction::prod, "reduce_prod", "reduceProd", true},
    {Reduction::l1, "reduce_l1_norm", "reduceL1", true},
    {Reduction::l2, "reduce_l2_norm", "reduceL2", false},
    {Reduction::log_sum, "reduce_log_sum", "reduceLogSum", false},
    {Reduction::log_sum_exp, "reduce_log_sum_exp", "reduceLogSumExp", false},
    {Reduction::sum_square, "reduce_sum_square", "reduceSumSquare", true},
}};
const Words& words_of(Reduction kind) {
  return *std::ranges::find_if(kWords, [&](const Words& w) { return w.kind == kind; });
}

struct Axes {
  ir::Dims reduced;
  bool none = false;  ///< noop_with_empty_axes
};

/// Ascending axes that are reduced.
template <class C>
Result<Axes> axes_of(const C& c) {
  const int64_t rank = c.rank(0);
  if (rank < 0) return c.refuse("an input of unknown rank");
  if (c.has(1) && c.constant(1) == nullptr) return c.refuse("axes that are computed");
  const ir::Dims given = c.has(1) ? c.constant(1)->ints() : ir::Dims{};
  if (given.empty() && c.op.attr_int("noop_with_empty_axes", 0) != 0) return Axes{{}, true};
  if (given.empty()) return Axes{axes_between(0, rank), false};
  Axes axes;
  for (const int64_t axis : given) axes.reduced.push_back(axis < 0 ? axis + rank : axis);
  std::ranges::sort(axes.reduced);
  axes.reduced.erase(std::unique(axes.reduced.begin(), axes.reduced.end()), axes.reduced.end());
  return axes;
}

bool is_single(const MilSteps& s) { return s.c.precision() == mil::DataType::float32; }
bool is_single(const NnSteps&) { return true; }

/// What is left of a reduction over no axes: each element is a sum, a maximum, ... of itself alone.
template <class S>
std::optional<typename S::Value> of_single_terms(S& s, Reduction kind) {
  const auto x = s.in(0);
  switch (kind) {
    case Reduction::sum:
    case Reduction::mean:
    case Reduction::max:
    case Reduction::min:
    case Reduction::prod:
      return x;
    case Reduction::l1:
      return s.abs(x);
    case Reduction::sum_square:
      return s.mul(x, x);
    case Reduction::l2:  // squares leave float16's range
      return is_single(s) ? s.sqrt(s.mul(x, x)) : s.abs(x);
    default:
      return std::nullopt;
  }
}

bool is_extreme(Reduction kind) { return kind == Reduction::max || kind == Reduction::min; }

}  // namespace

Status reduce_to_mil(MilContext& c, Reduction kind) {
  ASSAY_TRY(const Axes axes, axes_of(c));
  const Words& words = words_of(kind);
  const ir::ElemType elem = c.elem(0);
  const bool whole = elem == ir::ElemType::int32 || elem == ir::ElemType::int64, flags = elem == ir::ElemType::boolean;
  if (!ir::is_float(elem) && !whole && !flags) return c.refuse("reductions of " + std::string(ir::elem_name(elem)));
  if (whole && !words.integers) return c.refuse("of integers, which are rounded in another way");
  if (axes.none || (c.rank(0) == 0 && axes.reduced.empty())) {
    MilSteps s(c);
    const auto y = of_single_terms(s, kind);
    return y ? c.result(*y) : c.refuse("over no axes");
  }
  MilParams params = {{"x", flags ? c.cast(c.in(0), mil::DataType::int32) : c.in(0)},
                      {"axes", MilContext::ints(axes.reduced)},
                      {"keep_dims", mil::of_bool(c.op.attr_int("keepdims", 1) != 0)}};
  if (!flags) return c.emit(words.mil, params);
  ASSAY_TRY(mil::Type result, mil_type(c.out_type()));
  result.data = mil::DataType::int32;
  return c.result(c.cast(c.make(words.mil, params, std::move(result)), mil::DataType::boolean));
}

Status reduce_to_nn(NnContext& c, Reduction kind) {
  ASSAY_TRY(const Axes axes, axes_of(c));
  if (!ir::is_float(c.elem(0)) && !is_extreme(kind)) return c.refuse("of integers: layers compute in floating point");
  const Words& words = words_of(kind);
  if (axes.none || c.rank(0) == 0) {
    NnSteps s(c);
    const auto y = of_single_terms(s, kind);
    return y ? c.result(*y) : c.refuse("over no axes");
  }
  mil::Message params = c.params(words.nn);
  params.set("axes", axes.reduced).set("keepDims", int64_t{c.op.attr_int("keepdims", 1) != 0});
  return c.layer(words.nn, {c.in(0)}, std::move(params));
}

namespace {

template <class C>
Status check_arg(const C& c) {
  if (c.rank(0) < 1) return c.refuse("an input of unknown rank, or without axes");
  if (c.op.attr_int("select_last_index", 0) != 0)
    return c.refuse("select_last_index: Core ML does not promise which of equals it takes");
  return {};
}

}  // namespace

Status arg_to_mil(MilContext& c, bool largest) {
  ASSAY_CHECK(check_arg(c));
  const ir::ElemType elem = c.elem(0);
  if (!ir::is_float(elem) && elem != ir::ElemType::int32 && elem != ir::ElemType::int64)
    return c.refuse("of " + std::string(ir::elem_name(elem)));
  return c.emit(largest ? "reduce_argmax" : "reduce_argmin",
                {{"x", c.in(0)},
                 {"axis", mil::of_int(static_cast<int32_t>(c.op.attr_int("axis", 0)))},
                 {"keep_dims", mil::of_bool(c.op.attr_int("keepdims", 1) != 0)}});
}

Status arg_to_nn(NnContext& c, bool largest) {
  ASSAY_CHECK(check_arg(c));
  const std::string_view kind = largest ? "argMax" : "argMin";
  mil::Message params = c.params(kind);
  params.set("axis", c.op.attr_int("axis", 0)).set("removeDim", int64_t{c.op.attr_int("keepdims", 1) == 0});
  return c.layer(kind, {c.in(0)}, std::move(params));
}

}  // namespace assay::ops
