// Operations that change a tensor's shape, or the order of its axes and elements.
#include <algorithm>

#include "coreml/lift/extents.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

constexpr int kIos17 = 8;

/// x's dimensions, aligned at the end with a shape of `count` entries; 1 where x has none.
Extents aligned_at_end(MilLift& c, ValueId x, int64_t count) {
  Extents out;
  for (int64_t i = c.rank(x) - count; i < c.rank(x); ++i) out.push_back(i < 0 ? Extent(1) : extent(c, x, i));
  return out;
}

/// From iOS 17 on a 0 stands for the dimension of x that is as far from the END, where before it was the one at the
/// same index, which is what ONNX means by it.
void lift_reshape(MilLift& c) {
  const ValueId x = c.in("x");
  ValueId shape = as_int64_vector(c, c.in("shape"));
  const ir::Tensor* known = c.constant(shape);
  const bool zeros = known == nullptr || std::ranges::count(known->ints(), 0) != 0;
  if (c.version() < kIos17 || !zeros) return c.result(c.op("Reshape", {x, shape}));
  const int64_t count = c.dim(shape, 0);
  if (count < 0 || c.rank(x) < 0) return c.unsupported("the rank of its operand or result is not known");
  const ValueId inherited = as_vector(c, aligned_at_end(c, x, count));
  shape = c.op("Where", {c.op("Equal", {shape, c.integer(0)}), inherited, shape});
  c.result(c.op("Reshape", {x, shape}, {{"allowzero", int64_t{1}}}));
}

/// The result's dimensions are spans of the reference tensors' shapes.
void lift_reshape_like(MilLift& c) {
  const auto setting = [&](std::string_view parameter, size_t i) -> int64_t {
    const ir::Tensor* t = c.constant(c.in(parameter, i));
    if (t != nullptr && t->size() == 1) return t->int_at(0);
    c.bad("'" + std::string(parameter) + "' is no constant");
    return 0;
  };
  Extents dims;
  for (size_t i = 0; i < c.count("ref_tensors"); ++i) {
    const ValueId reference = c.in("ref_tensors", i);
    const int64_t rank = c.rank(reference);
    if (rank < 0) return c.unsupported("the rank of a reference tensor is not known");
    const auto bound = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
    const int64_t begin = bound(setting("begins", i)),
                  end = setting("end_masks", i) != 0 ? rank : bound(setting("ends", i));
    for (int64_t axis = begin; axis < end; ++axis) dims.push_back(extent(c, reference, axis));
  }
  c.result(reshape_to(c, c.in("x"), dims));
}

void lift_expand_dims(MilLift& c) { c.result(c.unsqueeze(c.in("x"), c.integers("axes"))); }

/// Only dimensions that are 1 go; one that is not known counts as another, unless the declared rank tells.
void lift_squeeze(MilLift& c) {
  const ValueId x = c.in("x");
  const int64_t rank = c.rank(x);
  if (rank < 0) return c.unsupported("the rank of its operand is not known");
  ir::Dims axes = c.integers("axes");
  const bool given = c.has("axes");
  for (int64_t i = 0; !given && i < rank; ++i) axes.push_back(i);
  for (int64_t& axis : axes) axis = checked_axis(c, axis, rank);
  const auto& declared = c.result_type().dims;
  const bool all = given && declared && static_cast<int64_t>(declared->size() + axes.size()) == rank;
  if (!all) std::erase_if(axes, [&](int64_t axis) { return c.dim(x, axis) != 1; });
  c.result(axes.empty() ? c.op("Identity", {x}) : c.squeeze(x, axes));
}

void lift_transpose(MilLift& c) {
  const ValueId x = c.in("x");
  ir::Dims perm = c.integers("perm");
  for (int64_t& axis : perm)
    if (axis < 0) axis += static_cast<int64_t>(perm.size());
  c.result(perm.empty() ? c.op("Identity", {x}) : c.op("Transpose", {x}, {{"perm", perm}}));
}

void lift_reverse(MilLift& c) {
  const ValueId x = c.in("x");
  ir::Dims axes = c.integers("axes");
  for (int64_t i = 0; !c.has("axes") && i < c.rank(x); ++i) axes.push_back(i);
  if (c.rank(x) < 0) return c.unsupported("the rank of its operand is not known");
  if (axes.empty()) return c.result(c.op("Identity", {x}));
  const ir::Dims last(axes.size(), -1), before(axes.size(), INT64_MIN), step(axes.size(), -1);
  c.result(c.op("Slice", {x, c.ints(last), c.ints(before), c.ints(axes), c.ints(step)}));
}

/// ONNX wants time and batch to be the first two axes.
void lift_reverse_sequence(MilLift& c) {
  const ValueId x = c.in("x");
  const int64_t rank = c.rank(x), time = checked_axis(c, c.integer("seq_axis", 0), rank);
  const int64_t batch = checked_axis(c, c.integer("batch_axis", 0), rank);
  if (c.failed()) return;
  if (time == batch) return c.bad("'seq_axis' and 'batch_axis' are the same axis");
  ir::Dims perm = {time, batch}, back(static_cast<size_t>(rank));
  for (int64_t i = 0; i < rank; ++i)
    if (i != time && i != batch) perm.push_back(i);
  for (size_t i = 0; i < perm.size(); ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  const ValueId y = c.op("ReverseSequence", {c.transpose(x, perm), as_int64_vector(c, c.in("lengths"))},
                         {{"time_axis", int64_t{0}}, {"batch_axis", int64_t{1}}});
  c.result(c.transpose(y, back));
}

/// out[.., w, i, ..] = x[.., w * stride + i, ..]
void lift_sliding_windows(MilLift& c) {
  const ValueId x = c.in("x");
  const int64_t axis = checked_axis(c, c.integer("axis", 0), c.rank(x)), size = c.integer("size", 1);
  const int64_t stride = c.integer("stride", 1);
  if (c.failed()) return;
  if (size < 1 || stride < 1) return c.bad("'size' or 'stride' is below 1");
  const ValueId end = as_value(c, plus(c, extent(c, x, axis), 1 - size));
  const ValueId starts = c.op("Range", {c.integer(0), c.squeeze(end, {0}), c.integer(stride)});
  const ValueId within = c.op("Range", {c.integer(0), c.integer(size), c.integer(1)});
  const ValueId at = c.op("Add", {c.unsqueeze(starts, {1}), within});
  c.result(c.op("Gather", {x, at}, {{"axis", axis}}));
}

constexpr MilRow kRows[] = {
    {"expand_dims", lift_expand_dims},
    {"reshape", lift_reshape},
    {"reshape_like", lift_reshape_like, 7},
    {"reverse", lift_reverse},
    {"reverse_sequence", lift_reverse_sequence},
    {"sliding_windows", lift_sliding_windows},
    {"squeeze", lift_squeeze},
    {"transpose", lift_transpose},
};

}  // namespace

std::span<const MilRow> mil_shape_rows() { return kRows; }

}  // namespace assay::coreml
