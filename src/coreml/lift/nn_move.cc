// Layers that join, cut, repeat, reorder and pad.
#include <limits>

#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"
#include "coreml/lift/nn_window.h"

namespace assay::coreml {
namespace {

constexpr int64_t kToTheEnd = std::numeric_limits<int64_t>::max();

void lift_concat(NnLift& c) {
  const bool sequence = c.params().integer("sequenceConcat") != 0;
  rank_of(c, c.in(0), sequence ? 5 : 3);
  c.result(c.op("Concat", c.all(), {{"axis", int64_t{sequence ? -5 : -3}}}));
}

/// Element i of every input, then element i + 1: joined along a new axis behind `axis`, which then merges with it.
void lift_interleaved(NnLift& c, int64_t axis) {
  const int64_t rank = rank_of(c, c.in(0), 1);
  axis = axis_of(c, axis, rank);
  std::vector<ValueId> parts = c.all();
  for (ValueId& part : parts) part = c.unsqueeze(part, {axis + 1});
  ir::Dims times(static_cast<size_t>(rank), 1);
  if (c.failed()) return;
  times[static_cast<size_t>(axis)] = static_cast<int64_t>(parts.size());
  const ValueId shape = c.op("Mul", {extents(c, c.in(0)), c.ints(times)});
  const ValueId joined = c.op("Concat", parts, {{"axis", axis + 1}});
  c.result(c.op("Reshape", {joined, shape}, {{"allowzero", int64_t{1}}}));
}

void lift_concat_nd(NnLift& c) {
  const int64_t axis = c.params().integer("axis");
  if (c.params().integer("interleave") != 0) return lift_interleaved(c, axis);
  c.result(c.op("Concat", c.all(), {{"axis", axis}}));
}

void lift_stack(NnLift& c) {
  const int64_t axis = axis_of(c, c.params().integer("axis"), rank_of(c, c.in(0)) + 1);
  std::vector<ValueId> parts = c.all();
  for (ValueId& part : parts) part = c.unsqueeze(part, {axis});
  c.result(c.op("Concat", parts, {{"axis", axis}}));
}

void split(NnLift& c, int64_t axis, const ir::Dims& sizes) {
  const size_t n = c.output_count();
  const int64_t extent = c.dim(c.in(0), axis);
  if (sizes.empty() && extent >= 0 && (n == 0 || extent % static_cast<int64_t>(n) != 0))
    return c.bad("an extent of " + std::to_string(extent) + " in " + std::to_string(n) + " equal parts");
  std::vector<ir::Attr> attrs = {{"axis", axis}};
  if (sizes.empty()) attrs.push_back({"num_outputs", static_cast<int64_t>(n)});
  const auto parts = c.ops("Split", {c.in(0), sizes.empty() ? ir::kNoValue : c.ints(sizes)}, n, std::move(attrs));
  for (size_t i = 0; i < n; ++i) c.result(parts[i], i);
}
void lift_split(NnLift& c) {
  rank_of(c, c.in(0), 3);
  split(c, -3, {});
}
void lift_split_nd(NnLift& c) { split(c, c.params().integer("axis"), c.params().integers("splitSizes")); }

void lift_sequence_repeat(NnLift& c) {
  ir::Dims times(static_cast<size_t>(rank_of(c, c.in(0), 5)), 1);
  if (c.failed()) return;
  times[times.size() - 5] = unless_zero(c.params().integer("nRepetitions"), 1);
  c.result(c.op("Tile", {c.in(0), c.ints(times)}));
}

/// Repetitions are for the last axes where there are fewer than axes.
void lift_tile(NnLift& c) {
  const int64_t rank = rank_of(c, c.in(0));
  if (c.input_count() == 1) {
    ir::Dims times = c.params().integers("reps");
    while (static_cast<int64_t>(times.size()) < rank) times.insert(times.begin(), 1);
    return c.result(c.op("Tile", {c.in(0), c.ints(times)}));
  }
  ValueId times = c.indices(c.in(1));
  if (const int64_t given = c.dim(c.in(1), 0); given >= 0 && given < rank)
    times = c.op("Concat", {c.ints(ir::Dims(static_cast<size_t>(rank - given), 1)), times}, {{"axis", int64_t{0}}});
  c.result(c.op("Tile", {c.in(0), times}));
}

void lift_reverse(NnLift& c) {
  const ir::Dims flags = c.params().integers("reverseDim");
  ir::Dims axes;
  if (static_cast<int64_t>(flags.size()) != rank_of(c, c.in(0)))
    return c.bad(std::to_string(flags.size()) + " flags for " + std::to_string(c.rank(c.in(0))) + " axes");
  for (size_t i = 0; i < flags.size(); ++i)
    if (flags[i] != 0) axes.push_back(static_cast<int64_t>(i));
  c.result(axes.empty() ? c.op("Identity", {c.in(0)}) : backwards(c, c.in(0), axes));
}

/// ONNX's operator wants batch and time first.
void lift_reverse_seq(NnLift& c) {
  const int64_t rank = rank_of(c, c.in(0), 2);
  const int64_t batch = axis_of(c, c.params().integer("batchAxis"), rank);
  const int64_t time = axis_of(c, c.params().integer("sequenceAxis"), rank);
  if (c.failed()) return;
  if (batch == time) return c.bad("batch and sequence are one axis");
  ir::Dims perm = {batch, time}, inverse(static_cast<size_t>(rank));
  for (int64_t i = 0; i < rank; ++i)
    if (i != batch && i != time) perm.push_back(i);
  for (size_t i = 0; i < perm.size(); ++i) inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  const ValueId y = c.op("ReverseSequence", {c.transpose(c.in(0), perm), c.indices(c.in(1))},
                         {{"batch_axis", int64_t{0}}, {"time_axis", int64_t{1}}});
  c.result(c.transpose(y, inverse));
}

void lift_reorganize(NnLift& c) {
  enum : int64_t { kSpaceToDepth, kDepthToSpace, kPixelShuffle };
  const int64_t mode = c.params().integer("mode");
  std::vector<ir::Attr> attrs = {{"blocksize", c.params().integer("blockSize")}};
  if (mode != kSpaceToDepth) attrs.push_back({"mode", std::string(mode == kPixelShuffle ? "CRD" : "DCR")});
  const ValueId x = one_batch_axis(c, c.in(0), 3);
  const ValueId y = c.op(mode == kSpaceToDepth ? "SpaceToDepth" : "DepthToSpace", {x}, std::move(attrs));
  c.result(batch_axes_of(c, y, c.in(0), 3));
}

/// One input: borders are cut off. Two: the second says how much is left, from an offset on.
void lift_crop(NnLift& c) {
  const ValueId x = c.in(0), axes = c.ints({-2, -1});
  rank_of(c, x, 2);
  if (c.input_count() == 1) {
    const ir::Dims cut = unless_empty(border(c, c.params().message("cropAmounts")), {0, 0, 0, 0});
    if (c.failed()) return;
    const auto end = [](int64_t amount) { return amount == 0 ? kToTheEnd : -amount; };
    return c.result(c.op("Slice", {x, c.ints({cut[0], cut[1]}), c.ints({end(cut[2]), end(cut[3])}), axes}));
  }
  const ir::Dims offset = unless_empty(c.params().integers("offset"), {0, 0});
  if (offset.size() != 2) return c.bad(std::to_string(offset.size()) + " offsets, not 2");
  const int64_t rank = rank_of(c, c.in(1), 2);
  const ValueId starts = c.ints(offset);
  c.result(c.op("Slice", {x, starts, c.op("Add", {starts, extents(c, c.in(1), rank - 2, rank)}), axes}));
}

void lift_padding(NnLift& c) {
  const mil::Message& p = c.params();
  const ValueId x = c.in(0);
  rank_of(c, x, 2);
  const ValueId pads = c.ints(unless_empty(border(c, p.message("paddingAmounts")), {0, 0, 0, 0}));
  const ValueId axes = c.ints({-2, -1});
  if (p.has("reflection") || p.has("replication"))
    return c.result(
        c.op("Pad", {x, pads, ir::kNoValue, axes}, {{"mode", std::string(p.has("reflection") ? "reflect" : "edge")}}));
  c.result(c.op("Pad", {x, pads, c.number(p.message("constant").number("value"), x), axes}));
}

/// Amounts stand as (before, after) for each axis; or they are the extents to reach, of which one is 0.
void lift_constant_pad(NnLift& c) {
  const mil::Message& p = c.params();
  const ValueId x = c.in(0);
  const int64_t rank = rank_of(c, x, 1);
  ValueId amounts = c.input_count() > 1 ? c.indices(c.in(1)) : c.ints(p.integers("padAmounts"));
  amounts = c.reshape(amounts, {rank, 2});
  if (p.integer("padToGivenOutputSizeMode") != 0)
    amounts = c.op("Max", {c.op("Sub", {amounts, c.unsqueeze(extents(c, x), {1})}), c.integer(0)});
  const ValueId pads = c.reshape(c.transpose(amounts, {1, 0}), {2 * rank});
  c.result(c.op("Pad", {x, pads, c.number(p.number("value"), x)}));
}

void lift_copy(NnLift& c) { c.result(c.op("Identity", {c.in(0)})); }

constexpr NnRow kRows[] = {
    {"concat", lift_concat},
    {"concatND", lift_concat_nd},
    {"constantPad", lift_constant_pad},
    {"copy", lift_copy},
    {"crop", lift_crop},
    {"padding", lift_padding},
    {"reorganizeData", lift_reorganize},
    {"reverse", lift_reverse},
    {"reverseSeq", lift_reverse_seq},
    {"sequenceRepeat", lift_sequence_repeat},
    {"split", lift_split},
    {"splitND", lift_split_nd},
    {"stack", lift_stack},
    {"tile", lift_tile},
};

}  // namespace

std::span<const NnRow> nn_move_rows() { return kRows; }

}  // namespace assay::coreml
