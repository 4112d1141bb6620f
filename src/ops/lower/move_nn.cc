#include "ops/lower/move_nn.h"

#include <algorithm>

namespace assay::ops {

Result<std::string> nn_operand(NnContext& c, size_t i) {
  const ir::Type& type = c.type(i);
  if (type.kind != ir::Type::Kind::tensor || type.elem == ir::ElemType::string || type.elem == ir::ElemType::float64)
    return c.refuse("layers hold no " + ir::to_string(type));
  if (!type.ranked()) return c.refuse("a value of unknown rank");
  return c.in(i);
}

std::string nn_ints(NnContext& c, const ir::Dims& values) { return c.constant_blob(ir::Tensor::of_ints(values)); }

std::string nn_slice(NnContext& c, const std::string& x, const NnSlice& slice) {
  return c.make("sliceStatic", {x},
                c.params("sliceStatic")
                    .set("beginIds", slice.begin)
                    .set("beginMasks", slice.begin_mask)
                    .set("endIds", slice.end)
                    .set("endMasks", slice.end_mask)
                    .set("strides", slice.step)
                    .set("squeezeMasks", ir::Dims(slice.begin.size(), 0)));
}

std::string nn_extents(NnContext& c, size_t i, int64_t begin, int64_t end) {
  ir::Dims known;
  for (int64_t k = begin; k < end; ++k)
    if (const int64_t extent = c.dim(i, k); extent >= 0) known.push_back(extent);
  if (static_cast<int64_t>(known.size()) == end - begin) return nn_ints(c, known);
  const std::string all = c.make("getShape", {c.in(i)});
  if (begin == 0 && end == c.rank(i)) return all;
  return nn_slice(c, all, {{begin}, {end}, {1}, {0}, {0}});
}

std::string nn_joined(NnContext& c, const std::vector<std::string>& parts) {
  if (parts.size() == 1) return parts.front();
  return c.make("concatND", parts, c.params("concatND").set("axis", int64_t{0}));
}

Result<std::string> nn_reshape(NnContext& c, size_t i, const std::string& x, const std::vector<Extent>& shape) {
  const auto unknown = std::ranges::count_if(shape, [](const Extent& e) { return e.value < 0; });
  const auto copied = std::ranges::count_if(shape, [](const Extent& e) { return e.value < 0 && e.axis >= 0; });
  if (unknown - copied > 1) return c.refuse("several extents of the result are known only at run time");
  if (unknown <= 1) {
    ir::Dims dims;
    for (const Extent& e : shape) dims.push_back(e.value);
    if (dims.empty()) dims = {1};
    return c.make("reshapeStatic", {x}, c.params("reshapeStatic").set("targetShape", dims));
  }
  std::vector<std::string> parts;
  for (const Extent& e : shape)
    parts.push_back(e.value >= 0 || e.axis < 0 ? nn_ints(c, {e.value}) : nn_extents(c, i, e.axis, e.axis + 1));
  return c.make("reshapeDynamic", {x, nn_joined(c, parts)});
}

Result<std::string> nn_indices(NnContext& c, size_t i, const ir::Dims& axes, bool as_they_are) {
  ASSAY_TRY(const std::string at, nn_operand(c, i));
  if (const ir::Tensor* t = c.constant(i)) {
    ir::Dims extents;
    for (const int64_t axis : axes) extents.push_back(c.dim(0, axis));
    auto fixed = constant_indices(*t, extents);
    if (!fixed.ok()) return c.refuse(fixed.error().message);
    if (*fixed) return c.constant_blob(**fixed);
  }
  if (as_they_are || counts_from_zero(c.graph, c.op.inputs[i])) return at;
  const std::string extents = nn_extents(c, 0, axes.front(), axes.back() + 1);
  const std::string negative = c.make("lessThan", {at}, c.params("lessThan").set("alpha", 0.0));
  const std::string from_end = c.make("addBroadcastable", {at, extents});
  return c.make("whereBroadcastable", {negative, from_end, at});
}

}  // namespace assay::ops
