// Operations that put tensors together and take them apart, and those that sort.
#include "coreml/lift/extents.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// Elements in turn: out[.., i * n + k, ..] is element i of operand k along the axis.
ValueId interleaved(MilLift& c, std::vector<ValueId> values, int64_t axis) {
  Extents dims = extents(c, values[0]);
  dims[static_cast<size_t>(axis)] =
      times(c, dims[static_cast<size_t>(axis)], Extent(static_cast<int64_t>(values.size())));
  for (ValueId& v : values) v = c.unsqueeze(v, {axis + 1});
  return reshape_to(c, c.op("Concat", std::move(values), {{"axis", axis + 1}}), dims);
}

void lift_concat(MilLift& c) {
  std::vector<ValueId> values = c.all("values");
  if (values.empty()) return c.bad("it has no operands");
  int64_t axis = c.integer("axis", 0);
  for (ValueId& v : values)
    if (c.rank(v) == 0) v = c.unsqueeze(v, {0});  // numbers become a vector
  if (!c.flag("interleave", false)) return c.result(c.op("Concat", std::move(values), {{"axis", axis}}));
  axis = checked_axis(c, axis, c.rank(values[0]));
  if (!c.failed()) c.result(interleaved(c, std::move(values), axis));
}

void lift_stack(MilLift& c) {
  std::vector<ValueId> values = c.all("values");
  if (values.empty()) return c.bad("it has no operands");
  const int64_t axis = checked_axis(c, c.integer("axis", 0), c.rank(values[0]) < 0 ? -1 : c.rank(values[0]) + 1);
  for (ValueId& v : values) v = c.unsqueeze(v, {axis});
  c.result(c.op("Concat", std::move(values), {{"axis", axis}}));
}

void lift_split(MilLift& c) {
  const ValueId x = c.in("x");
  const int64_t axis = checked_axis(c, c.integer("axis", 0), c.rank(x));
  const auto parts = static_cast<int64_t>(c.result_count());
  std::vector<ValueId> outputs;
  if (c.has("split_sizes")) {
    outputs = c.ops("Split", {x, as_int64_vector(c, c.in("split_sizes"))}, c.result_count(), {{"axis", axis}});
  } else {
    if (parts == 0 || c.integer("num_splits", 0) != parts)
      return c.bad("'num_splits' is not the number of its results");
    if (c.dim(x, axis) >= 0 && c.dim(x, axis) % parts != 0)
      return c.bad("an axis of " + std::to_string(c.dim(x, axis)) + " in " + std::to_string(parts) + " equal parts");
    outputs = c.ops("Split", {x}, c.result_count(), {{"axis", axis}, {"num_outputs", parts}});
  }
  for (size_t i = 0; i < outputs.size(); ++i) c.result(outputs[i], i);
}

/// The first k of the axis in order; of equal elements the lower index comes first.
std::vector<ValueId> sorted(MilLift& c, ValueId x, ValueId k, int64_t axis) {
  return c.ops("TopK", {x, k}, 2, {{"axis", axis}, {"largest", int64_t{!c.flag("ascending", false)}}});
}

void lift_argsort(MilLift& c) {
  const ValueId x = c.in("x");
  const int64_t axis = checked_axis(c, c.integer("axis", -1), c.rank(x));
  c.result(sorted(c, x, as_value(c, extent(c, x, axis)), axis)[1]);
}

/// sort=false leaves the order open: here it is sorted too.
void lift_topk(MilLift& c) {
  const ValueId x = c.in("x");
  const int64_t axis = checked_axis(c, c.integer("axis", -1), c.rank(x));
  ValueId k = c.has("k") ? as_int64_vector(c, c.in("k")) : c.ints({1});
  if (const ir::Tensor* known = c.constant(k); known != nullptr && known->size() == 1 && known->int_at(0) == -1)
    k = as_value(c, extent(c, x, axis));
  const std::vector<ValueId> both = sorted(c, x, k, axis);
  c.result(both[0], 0);
  c.result(both[1], 1);
}

constexpr MilRow kRows[] = {
    {"argsort", lift_argsort}, {"concat", lift_concat}, {"split", lift_split},
    {"stack", lift_stack},     {"topk", lift_topk},
};

}  // namespace

std::span<const MilRow> mil_join_rows() { return kRows; }

}  // namespace assay::coreml
