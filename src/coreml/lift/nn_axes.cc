#include "coreml/lift/nn_axes.h"

#include <algorithm>
#include <limits>

namespace assay::coreml {
namespace {

/// Axes before the last `keep` that have one element, but for one axis that stays; empty when others have more.
ir::Dims superfluous(const NnLift& c, ValueId x, int64_t lead) {
  ir::Dims ones;
  for (int64_t i = 0; i < lead; ++i)
    if (c.dim(x, i) == 1) ones.push_back(i);
  if (static_cast<int64_t>(ones.size()) == lead) ones.pop_back();
  if (static_cast<int64_t>(ones.size()) != lead - 1) ones.clear();
  return ones;
}

}  // namespace

int64_t rank_of(NnLift& c, ValueId x, int64_t least) {
  const int64_t rank = c.rank(x);
  if (rank < 0) c.unsupported("the rank of its input depends on data");
  if (rank >= least) return rank;
  if (rank >= 0) c.bad("its input has " + std::to_string(rank) + " axes; it needs " + std::to_string(least));
  return 0;
}

int64_t axis_of(NnLift& c, int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  c.bad("axis " + std::to_string(axis) + " of " + std::to_string(rank));
  return 0;
}

ValueId one_batch_axis(NnLift& c, ValueId x, int64_t keep) {
  const int64_t lead = rank_of(c, x, keep) - keep;
  if (c.failed() || lead == 1) return x;
  if (lead == 0) return c.unsqueeze(x, {0});
  if (const ir::Dims ones = superfluous(c, x, lead); !ones.empty()) return c.squeeze(x, ones);
  const ValueId shape = c.op("Concat", {c.ints({-1}), extents(c, x, lead, lead + keep)}, {{"axis", int64_t{0}}});
  return c.op("Reshape", {x, shape}, {{"allowzero", int64_t{1}}});
}

ValueId batch_axes_of(NnLift& c, ValueId y, ValueId x, int64_t keep) {
  if (c.failed()) return y;
  const int64_t lead = c.rank(x) - keep;
  if (lead == 1) return y;
  if (lead == 0) return c.squeeze(y, {0});
  if (const ir::Dims ones = superfluous(c, x, lead); !ones.empty()) return c.unsqueeze(y, ones);
  const ValueId shape = c.op("Concat", {extents(c, x, 0, lead), extents(c, y, 1, 1 + keep)}, {{"axis", int64_t{0}}});
  return c.op("Reshape", {y, shape}, {{"allowzero", int64_t{1}}});
}

ValueId extents(NnLift& c, ValueId x, int64_t begin, int64_t end) {
  return c.op("Shape", {x}, {{"start", begin}, {"end", end}});
}

ValueId extents(NnLift& c, ValueId x) { return c.op("Shape", {x}); }

ValueId extent(NnLift& c, ValueId x, int64_t axis) {
  axis = axis_of(c, axis, rank_of(c, x));
  return extents(c, x, axis, axis + 1);
}

ValueId slice_axis(NnLift& c, ValueId x, int64_t axis, int64_t begin, int64_t end, int64_t step) {
  return c.op("Slice", {x, c.ints({begin}), c.ints({end}), c.ints({axis}), c.ints({step})});
}

ValueId backwards(GraphBuilder& c, ValueId x, const ir::Dims& axes) {
  if (axes.empty()) return x;
  const ir::Dims first(axes.size(), -1), last(axes.size(), std::numeric_limits<int64_t>::min());
  return c.op("Slice", {x, c.ints(first), c.ints(last), c.ints(axes), c.ints(ir::Dims(axes.size(), -1))});
}

int64_t element_count(const mil::Weights& w) {
  if (w.floats.size != 0) return static_cast<int64_t>(w.floats.size / 4);
  if (w.halves.size != 0) return static_cast<int64_t>(w.halves.size / 2);
  if (w.raw.size != 0) return w.bits == 0 ? 0 : static_cast<int64_t>(w.raw.size * 8 / static_cast<size_t>(w.bits));
  return static_cast<int64_t>(w.int8.size);
}

ValueId weights_of(NnLift& c, const mil::Message& message, std::string_view field, const ir::Dims& dims) {
  return c.weight(c.weights_tensor(message.weights(field), dims), field);
}

ValueId per_channel(NnLift& c, const mil::Message& message, std::string_view field) {
  const int64_t n = element_count(message.weights(field));
  return weights_of(c, message, field, n == 1 ? ir::Dims{1} : ir::Dims{n, 1, 1});
}

ValueId with_number(NnLift& c, std::string_view op, ValueId x, double value) {
  return c.op(op, {x, c.number(value, x)});
}

}  // namespace assay::coreml
