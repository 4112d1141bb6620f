// Layers that read, write or give indices: gather and scatter, sorting, one-hot vectors, sums along an axis, bands.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

int64_t axis_param(NnLift& c) { return c.params().integer("axis"); }

void lift_gather(NnLift& c) { c.result(c.op("Gather", {c.in(0), c.indices(c.in(1))}, {{"axis", axis_param(c)}})); }
void lift_gather_along_axis(NnLift& c) {
  c.result(c.op("GatherElements", {c.in(0), c.indices(c.in(1))}, {{"axis", axis_param(c)}}));
}
void lift_gather_nd(NnLift& c) { c.result(c.op("GatherND", {c.in(0), c.indices(c.in(1))})); }

// ScatterMode.
enum : int64_t { kUpdate, kAdd, kSub, kMul, kDiv, kMax, kMin };
constexpr std::string_view kReductions[] = {"none", "add", "add", "mul", "mul", "max", "min"};

/// Scatters by `op` ("ScatterElements", "ScatterND"). Subtracting is adding the negative. Dividing is by the product of
/// what is scattered into ones: for indices that occur once that is the quotient itself.
void scatter(NnLift& c, std::string_view op, ValueId data, ValueId indices, ValueId updates,
             std::vector<ir::Attr> attrs) {
  const int64_t mode = c.params().integer("mode");
  if (mode < kUpdate || mode > kMin) return c.bad("mode " + std::to_string(mode));
  attrs.push_back({"reduction", std::string(kReductions[mode])});
  if (mode == kSub) updates = c.op("Neg", {updates});
  if (mode != kDiv) return c.result(c.op(op, {data, indices, updates}, std::move(attrs)));
  const ValueId ones = c.op("Expand", {c.number(1, data), extents(c, data)});
  c.result(c.op("Div", {data, c.op(op, {ones, indices, updates}, std::move(attrs))}));
}

/// Indices of several axes count as one axis, of the updates too; each then stands for a whole slice.
void lift_scatter(NnLift& c) {
  const ValueId data = c.in(0);
  ValueId index = c.indices(c.in(1)), updates = c.in(2);
  const int64_t rank = rank_of(c, data, 1), axis = axis_of(c, axis_param(c), rank);
  const int64_t several = rank_of(c, c.in(1), 1);
  const int64_t last = rank_of(c, updates, several);
  if (several > 1) {
    const ValueId shape =
        c.op("Concat", {extents(c, updates, 0, axis), c.ints({-1}), extents(c, updates, axis + several, last)},
             {{"axis", int64_t{0}}});
    updates = c.op("Reshape", {updates, shape});
  }
  ir::Dims flat(static_cast<size_t>(rank), 1);
  if (c.failed()) return;
  flat[static_cast<size_t>(axis)] = -1;
  index = c.op("Expand", {c.reshape(index, flat), extents(c, updates)});
  scatter(c, "ScatterElements", data, index, updates, {{"axis", axis}});
}
void lift_scatter_along_axis(NnLift& c) {
  scatter(c, "ScatterElements", c.in(0), c.indices(c.in(1)), c.in(2), {{"axis", axis_param(c)}});
}
void lift_scatter_nd(NnLift& c) { scatter(c, "ScatterND", c.in(0), c.indices(c.in(1)), c.in(2), {}); }

void lift_top_k(NnLift& c) {
  const mil::Message& p = c.params();
  const ValueId k = c.input_count() > 1 ? c.reshape(c.indices(c.in(1)), {1}) : c.ints({p.integer("K")});
  const auto results =
      c.ops("TopK", {c.in(0), k}, 2, {{"axis", axis_param(c)}, {"largest", int64_t{p.integer("useBottomK") == 0}}});
  for (size_t i = 0; i < results.size(); ++i) c.result(results[i], i);
}

void lift_arg_sort(NnLift& c) {
  const mil::Message& p = c.params();
  const auto results = c.ops("TopK", {c.in(0), extent(c, c.in(0), axis_param(c))}, 2,
                             {{"axis", axis_param(c)}, {"largest", int64_t{p.integer("descending") != 0}}});
  c.result(results[1]);
}

/// Indices out of range, negative ones too, have no element that is on.
void lift_one_hot(NnLift& c) {
  const mil::Message& p = c.params();
  const ValueId depth =
      c.input_count() > 1 ? c.reshape(c.indices(c.in(1)), {}) : c.integer(p.integer("oneHotVectorSize"));
  const ValueId given = c.indices(c.in(0));
  const ValueId index = c.op("Where", {c.op("Less", {given, c.integer(0)}), depth, given});
  ir::Tensor values = ir::Tensor::allocate(ir::ElemType::float32, {2});
  values.set_float(0, p.number("offValue"));
  values.set_float(1, p.number("onValue"));
  c.result(c.op("OneHot", {index, depth, c.parameter(std::move(values))}, {{"axis", axis_param(c)}}));
}

void lift_cum_sum(NnLift& c) {
  const mil::Message& p = c.params();
  const ValueId axis = c.input_count() > 1 ? c.reshape(c.indices(c.in(1)), {}) : c.integer(axis_param(c));
  c.result(c.op(
      "CumSum", {c.in(0), axis},
      {{"exclusive", int64_t{p.integer("excludeFinalSum") != 0}}, {"reverse", int64_t{p.integer("reverse") != 0}}}));
}

/// One row for each element that is not zero.
void lift_where_non_zero(NnLift& c) { c.result(c.transpose(c.op("NonZero", {c.in(0)}), {1, 0})); }

/// Elements on one side of a diagonal.
ValueId triangle(NnLift& c, ValueId x, bool upper, int64_t k) {
  return c.op("Trilu", {x, c.integer(k)}, {{"upper", int64_t{upper}}});
}
void lift_lower(NnLift& c) { c.result(triangle(c, c.in(0), false, c.params().integer("k"))); }
void lift_upper(NnLift& c) { c.result(triangle(c, c.in(0), true, c.params().integer("k"))); }
/// Negative numbers of diagonals mean all.
void lift_band(NnLift& c) {
  const int64_t lower = c.params().integer("numLower"), upper = c.params().integer("numUpper");
  ValueId y = c.in(0);
  if (lower >= 0) y = triangle(c, y, true, -lower);
  if (upper >= 0) y = triangle(c, y, false, upper);
  c.result(lower < 0 && upper < 0 ? c.op("Identity", {y}) : y);
}

constexpr NnRow kRows[] = {
    {"argSort", lift_arg_sort},      {"cumSum", lift_cum_sum},
    {"gather", lift_gather},         {"gatherAlongAxis", lift_gather_along_axis},
    {"gatherND", lift_gather_nd},    {"lowerTriangular", lift_lower},
    {"matrixBandPart", lift_band},   {"oneHot", lift_one_hot},
    {"scatter", lift_scatter},       {"scatterAlongAxis", lift_scatter_along_axis},
    {"scatterND", lift_scatter_nd},  {"topK", lift_top_k},
    {"upperTriangular", lift_upper}, {"whereNonZero", lift_where_non_zero},
};

}  // namespace

std::span<const NnRow> nn_index_rows() { return kRows; }

}  // namespace assay::coreml
