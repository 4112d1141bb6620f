// Layers that take a part of a blob.
#include <limits>

#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

constexpr int64_t kFirst = std::numeric_limits<int64_t>::min(), kLast = std::numeric_limits<int64_t>::max();

/// Channels, height or width.
void lift_slice(NnLift& c) {
  const mil::Message& p = c.params();
  const int64_t axis = p.integer("axis");
  if (axis < 0 || axis > 2) return c.bad("axis " + std::to_string(axis));
  rank_of(c, c.in(0), 3 - axis);
  c.result(slice_axis(c, c.in(0), axis - 3, p.integer("startIndex"), p.integer("endIndex"),
                      unless_zero(p.integer("stride"), 1)));
}

/// What sliceStatic has as parameters and sliceDynamic as inputs, as int64 or boolean vectors with one element an axis.
/// The sign of a step decides where a masked bound lies, and a squeezed axis takes one element: all of that is integer
/// arithmetic, which is folded where the operands are known.
struct Bounds {
  ValueId begin, end, stride, begin_mask, end_mask;
  std::vector<bool> squeeze;
};

ValueId choose(NnLift& c, ValueId condition, ValueId yes, ValueId no) { return c.op("Where", {condition, yes, no}); }

void slice(NnLift& c, const Bounds& b) {
  const ValueId backwards = c.op("Less", {b.stride, c.integer(0)});
  ValueId begin = choose(c, b.begin_mask, choose(c, backwards, c.integer(kLast), c.integer(0)), b.begin);
  ValueId end = choose(c, b.end_mask, choose(c, backwards, c.integer(kFirst), c.integer(kLast)), b.end);
  ValueId step = b.stride;
  ir::Dims squeezed, all;
  ir::Tensor flags = ir::Tensor::allocate(ir::ElemType::boolean, {static_cast<int64_t>(b.squeeze.size())});
  for (size_t i = 0; i < b.squeeze.size(); ++i) {
    all.push_back(static_cast<int64_t>(i));
    flags.set_int(static_cast<int64_t>(i), b.squeeze[i]);
    if (b.squeeze[i]) squeezed.push_back(static_cast<int64_t>(i));
  }
  if (!squeezed.empty()) {
    const ValueId only = c.parameter(std::move(flags));
    const ValueId next = c.op("Add", {b.begin, c.integer(1)});
    const ValueId behind = choose(c, c.op("Equal", {next, c.integer(0)}), c.integer(kLast), next);
    begin = choose(c, only, b.begin, begin);
    end = choose(c, only, behind, end);
    step = choose(c, only, c.integer(1), step);
  }
  c.result(c.squeeze(c.op("Slice", {c.in(0), begin, end, c.ints(all), step}), squeezed));
}

ValueId flags(NnLift& c, const ir::Dims& values) {
  ir::Tensor t = ir::Tensor::allocate(ir::ElemType::boolean, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) t.set_int(static_cast<int64_t>(i), values[i] != 0);
  return c.parameter(std::move(t), "mask");
}

/// A list of the parameters with one element an axis, `otherwise` where it is not set.
ir::Dims per_axis(NnLift& c, std::string_view field, int64_t otherwise) {
  const auto rank = static_cast<size_t>(rank_of(c, c.in(0)));
  ir::Dims values = c.params().integers(field);
  if (values.empty()) values.assign(rank, otherwise);
  if (values.size() != rank && !c.failed())
    c.bad(std::string(field) + " has " + std::to_string(values.size()) + " elements for " + std::to_string(rank) +
          " axes");
  return values;
}
std::vector<bool> squeeze_masks(NnLift& c) {
  const ir::Dims values = per_axis(c, "squeezeMasks", 0);
  return {values.begin(), values.end()};
}

void lift_slice_static(NnLift& c) {
  slice(c, {c.ints(per_axis(c, "beginIds", 0)), c.ints(per_axis(c, "endIds", kLast)), c.ints(per_axis(c, "strides", 1)),
            flags(c, per_axis(c, "beginMasks", 0)), flags(c, per_axis(c, "endMasks", 0)), squeeze_masks(c)});
}

void lift_slice_dynamic(NnLift& c) {
  const auto numbers = [&](size_t i, std::string_view field, int64_t otherwise) {
    return c.has(i) ? c.indices(c.in(i)) : c.ints(per_axis(c, field, otherwise));
  };
  const auto mask = [&](size_t i, std::string_view field) {
    return c.has(i) ? c.truth(c.in(i)) : flags(c, per_axis(c, field, 0));
  };
  std::vector<bool> squeeze;
  if (c.has(6)) {
    const ir::Tensor* known = c.constant(c.in(6));
    if (known == nullptr) return c.unsupported("the rank of its result depends on data");
    for (int64_t i = 0; i < known->size(); ++i) squeeze.push_back(known->float_at(i) != 0);
  } else {
    squeeze = squeeze_masks(c);
  }
  slice(c, {c.indices(c.in(1)), numbers(2, "endIds", kLast), numbers(3, "strides", 1), mask(4, "beginMasks"),
            mask(5, "endMasks"), std::move(squeeze)});
}

/// `size` elements from an index on that the second input gives.
void lift_slice_by_size(NnLift& c) {
  const mil::Message& p = c.params();
  const int64_t axis = axis_of(c, p.integer("axis"), rank_of(c, c.in(0)));
  const ValueId given = c.reshape(c.indices(c.in(1)), {1});
  const ValueId from_end = c.op("Add", {given, extent(c, c.in(0), axis)});
  const ValueId begin = choose(c, c.op("Less", {given, c.integer(0)}), from_end, given);
  const ValueId end = c.op("Add", {begin, c.integer(p.integer("size"))});
  c.result(c.op("Slice", {c.in(0), begin, end, c.ints({axis})}));
}

/// Windows of an axis: element w of window m is element m step + w.
void lift_sliding_windows(NnLift& c) {
  const mil::Message& p = c.params();
  const int64_t axis = axis_of(c, p.integer("axis"), rank_of(c, c.in(0), 1)), size = p.integer("windowSize");
  if (size < 1 || size > (int64_t{1} << 31)) return c.bad("windows of " + std::to_string(size));
  const ValueId behind = c.op("Sub", {c.squeeze(extent(c, c.in(0), axis), {0}), c.integer(size - 1)});
  const ValueId first = c.op("Range", {c.integer(0), behind, c.integer(unless_zero(p.integer("step"), 1))});
  const ValueId offset = c.op("Range", {c.integer(0), c.integer(size), c.integer(1)});
  const ValueId index = c.op("Add", {c.unsqueeze(first, {1}), offset});
  c.result(c.op("Gather", {c.in(0), index}, {{"axis", axis}}));
}

constexpr NnRow kRows[] = {
    {"slice", lift_slice},
    {"sliceBySize", lift_slice_by_size},
    {"sliceDynamic", lift_slice_dynamic},
    {"sliceStatic", lift_slice_static},
    {"slidingWindows", lift_sliding_windows},
};

}  // namespace

std::span<const NnRow> nn_slice_rows() { return kRows; }

}  // namespace assay::coreml
