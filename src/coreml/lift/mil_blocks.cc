// Blocks of space that become channels or batch entries, and back.
#include "coreml/lift/extents.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

void lift_depth_to_space(MilLift& c) {
  c.result(
      c.op("DepthToSpace", {c.in("x")}, {{"blocksize", c.integer("block_size", 0)}, {"mode", std::string("DCR")}}));
}

void lift_space_to_depth(MilLift& c) {
  c.result(c.op("SpaceToDepth", {c.in("x")}, {{"blocksize", c.integer("block_size", 0)}}));
}

/// The place within a block is the fast part of the channel: torch's order, ONNX's CRD.
void lift_pixel_shuffle(MilLift& c) {
  c.result(
      c.op("DepthToSpace", {c.in("x")}, {{"blocksize", c.integer("upscale_factor", 0)}, {"mode", std::string("CRD")}}));
}

/// SpaceToDepth makes the place within a block the slow part of the channel; here it is the fast one.
void lift_pixel_unshuffle(MilLift& c) {
  const int64_t f = c.integer("downscale_factor", 1);
  const ValueId x = c.in("x");
  if (c.rank(x) != 4) return c.bad("its operand has no four dimensions");
  const ValueId deep = c.op("SpaceToDepth", {x}, {{"blocksize", f}});
  const Extent n = extent(c, x, 0), channels = extent(c, x, 1), h = extent(c, deep, 2), w = extent(c, deep, 3);
  const ValueId apart = reshape_to(c, deep, {n, Extent(f * f), channels, h, w});
  c.result(reshape_to(c, c.transpose(apart, {0, 2, 1, 3, 4}), {n, times(c, channels, Extent(f * f)), h, w}));
}

struct Blocks {
  ir::Dims shape;    ///< height, width
  ir::Dims margins;  ///< before and after along the height, before and after along the width
};

Blocks blocks(MilLift& c, std::string_view margins) {
  Blocks b{c.integers("block_shape"), {}};
  const ir::Tensor* t = c.constant(c.in(margins));
  if (t != nullptr && t->dims() == ir::Dims{2, 2}) b.margins = t->ints();
  const bool good = b.shape.size() == 2 && b.shape[0] > 0 && b.shape[1] > 0 && b.margins.size() == 4;
  if (!good || c.rank(c.in("x")) != 4) c.bad("blocks of two dimensions of images [n, C, H, W] are what it takes");
  return b;
}

/// The place within a block is the slow part of the batch.
void lift_space_to_batch(MilLift& c) {
  const Blocks b = blocks(c, "paddings");
  if (c.failed()) return;
  const auto& [shape, pads] = b;
  const ValueId x = c.op("Pad", {c.in("x"), c.ints({0, 0, pads[0], pads[2], 0, 0, pads[1], pads[3]})});
  const Extent n = extent(c, x, 0), channels = extent(c, x, 1);
  const Extent h = divided(c, extent(c, x, 2), shape[0]), w = divided(c, extent(c, x, 3), shape[1]);
  const ValueId apart = reshape_to(c, x, {n, channels, h, Extent(shape[0]), w, Extent(shape[1])});
  c.result(reshape_to(c, c.transpose(apart, {3, 5, 0, 1, 2, 4}),
                      {times(c, n, Extent(shape[0] * shape[1])), channels, h, w}));
}

void lift_batch_to_space(MilLift& c) {
  const Blocks b = blocks(c, "crops");
  if (c.failed()) return;
  const auto& [shape, crops] = b;
  const ValueId x = c.in("x");
  const Extent n = divided(c, extent(c, x, 0), shape[0] * shape[1]), channels = extent(c, x, 1);
  const Extent h = extent(c, x, 2), w = extent(c, x, 3);
  const ValueId apart = reshape_to(c, x, {Extent(shape[0]), Extent(shape[1]), n, channels, h, w});
  const ValueId whole = reshape_to(c, c.transpose(apart, {2, 3, 4, 0, 5, 1}),
                                   {n, channels, times(c, h, Extent(shape[0])), times(c, w, Extent(shape[1]))});
  c.result(c.op("Pad", {whole, c.ints({0, 0, -crops[0], -crops[2], 0, 0, -crops[1], -crops[3]})}));
}

constexpr MilRow kRows[] = {
    {"batch_to_space", lift_batch_to_space}, {"depth_to_space", lift_depth_to_space},
    {"pixel_shuffle", lift_pixel_shuffle},   {"pixel_unshuffle", lift_pixel_unshuffle, 7},
    {"space_to_batch", lift_space_to_batch}, {"space_to_depth", lift_space_to_depth},
};

}  // namespace

std::span<const MilRow> mil_blocks_rows() { return kRows; }

}  // namespace assay::coreml
