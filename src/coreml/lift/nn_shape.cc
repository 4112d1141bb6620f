// Layers that give a blob other axes: reshaping, flattening, transposing, adding and removing axes, broadcasting.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

ValueId reshaped(NnLift& c, ValueId x, ValueId shape, bool zero_copies = false) {
  return c.op("Reshape", {x, shape}, {{"allowzero", int64_t{zero_copies ? 0 : 1}}});
}

/// The last three axes in another order.
ValueId transpose_last(NnLift& c, ValueId x, int64_t a, int64_t b, int64_t d) {
  const int64_t first = rank_of(c, x, 3) - 3;
  ir::Dims perm;
  for (int64_t i = 0; i < first; ++i) perm.push_back(i);
  for (const int64_t axis : {a, b, d}) perm.push_back(first + axis);
  return c.transpose(x, perm);
}
constexpr int64_t kChannelLast = 1;

void lift_flatten(NnLift& c) {
  ValueId x = c.in(0);
  if (c.params().integer("mode") == kChannelLast) x = transpose_last(c, x, 1, 2, 0);
  ir::Dims dims(static_cast<size_t>(std::max<int64_t>(0, rank_of(c, x, 3) - 3)), 0);
  dims.insert(dims.end(), {-1, 1, 1});
  c.result(reshaped(c, x, c.ints(dims), true));
}

/// [Seq, Batch, C, H, W] with a target of the last three axes, or of them and the sequence.
void lift_reshape(NnLift& c) {
  const mil::Message& p = c.params();
  ir::Dims target = p.integers("targetShape");
  const bool last = p.integer("mode") == kChannelLast;
  ValueId x = c.in(0);
  const int64_t lead = rank_of(c, x, 3) - 3;
  if (c.failed()) return;
  if (target.size() != 3 && target.size() != 4) return c.bad("a target of " + std::to_string(target.size()) + " axes");
  ir::Dims dims(static_cast<size_t>(std::max<int64_t>(lead, 0)), 0);
  if (target.size() == 4) {
    if (lead == 0) return c.bad("its input has no sequence");
    dims[0] = target[0];
    target.erase(target.begin());
  }
  if (last) {
    x = transpose_last(c, x, 1, 2, 0);
    target = {target[1], target[2], target[0]};
  }
  dims.insert(dims.end(), target.begin(), target.end());
  const ValueId y = reshaped(c, x, c.ints(dims), true);
  c.result(last ? transpose_last(c, y, 2, 0, 1) : y);
}

/// Sequence, channels, height and width change places; the batch, between the first two, does not.
void lift_permute(NnLift& c) {
  const ValueId x = c.in(0);
  const ir::Dims axis = unless_empty(c.params().integers("axis"), {0, 1, 2, 3});
  const int64_t rank = rank_of(c, x, 3);
  if (axis.size() != 4) return c.bad(std::to_string(axis.size()) + " axes, not 4");
  if (rank != 5) {
    if (axis[0] != 0) return c.bad("its input has no sequence to move");
    return c.result(transpose_last(c, x, axis[1] - 1, axis[2] - 1, axis[3] - 1));
  }
  const auto place = [](int64_t i) { return i == 0 ? 0 : i + 1; };
  c.result(c.transpose(x, {place(axis[0]), 1, place(axis[1]), place(axis[2]), place(axis[3])}));
}

void lift_transpose(NnLift& c) { c.result(c.op("Transpose", {c.in(0)}, {{"perm", c.params().integers("axes")}})); }

void lift_reshape_static(NnLift& c) { c.result(reshaped(c, c.in(0), c.ints(c.params().integers("targetShape")))); }
void lift_reshape_like(NnLift& c) { c.result(reshaped(c, c.in(0), extents(c, c.in(1)))); }
void lift_reshape_dynamic(NnLift& c) { c.result(reshaped(c, c.in(0), c.indices(c.in(1)))); }
/// 0 keeps an extent.
void lift_rank_preserving(NnLift& c) {
  c.result(reshaped(c, c.in(0), c.ints(c.params().integers("targetShape")), true));
}

void lift_expand_dims(NnLift& c) { c.result(c.unsqueeze(c.in(0), c.params().integers("axes"))); }

/// With squeezeAll axes whose extent is not known stay.
void lift_squeeze(NnLift& c) {
  ir::Dims axes = c.params().integers("axes");
  if (c.params().integer("squeezeAll") != 0) {
    axes.clear();
    for (int64_t i = 0; i < rank_of(c, c.in(0)); ++i)
      if (c.dim(c.in(0), i) == 1) axes.push_back(i);
  }
  c.result(c.squeeze(c.in(0), axes));
}

void lift_flatten_to_2d(NnLift& c) { c.result(c.op("Flatten", {c.in(0)}, {{"axis", c.params().integer("axis")}})); }

void lift_broadcast_like(NnLift& c) { c.result(c.op("Expand", {c.in(0), extents(c, c.in(1))})); }
void lift_broadcast_static(NnLift& c) {
  c.result(c.op("Expand", {c.in(0), c.ints(c.params().integers("targetShape"))}));
}
void lift_broadcast_dynamic(NnLift& c) { c.result(c.op("Expand", {c.in(0), c.indices(c.in(1))})); }

void lift_get_shape(NnLift& c) { c.result(extents(c, c.in(0))); }

constexpr NnRow kRows[] = {
    {"broadcastToDynamic", lift_broadcast_dynamic},
    {"broadcastToLike", lift_broadcast_like},
    {"broadcastToStatic", lift_broadcast_static},
    {"expandDims", lift_expand_dims},
    {"flatten", lift_flatten},
    {"flattenTo2D", lift_flatten_to_2d},
    {"getShape", lift_get_shape},
    {"permute", lift_permute},
    {"rankPreservingReshape", lift_rank_preserving},
    {"reshape", lift_reshape},
    {"reshapeDynamic", lift_reshape_dynamic},
    {"reshapeLike", lift_reshape_like},
    {"reshapeStatic", lift_reshape_static},
    {"squeeze", lift_squeeze},
    {"transpose", lift_transpose},
};

}  // namespace

std::span<const NnRow> nn_shape_rows() { return kRows; }

}  // namespace assay::coreml
