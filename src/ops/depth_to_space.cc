// DepthToSpace and SpaceToDepth: blocks of channels to blocks of pixels and back.
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c, bool to_space) {
  const int64_t b = c.op().attr_int("blocksize", 0);
  const std::string mode = c.op().attr_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") return c.fail("depth_to_space_c5", "mode is '" + mode + "', not DCR or CRD");
  if (b < 1 || b > 65536) return c.fail("depth_to_space_c1", "blocksize " + std::to_string(b));
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::vector<ir::Dim>(4));
    return {};
  }
  if (c.rank(0) != 4) return c.fail("depth_to_space_c2", "the input has rank " + std::to_string(c.rank(0)));
  std::vector<ir::Dim> out = c.shape(0);
  for (size_t i = 1; i < 4; ++i) {
    ir::Dim& d = out[i];
    const int64_t factor = i == 1 ? b * b : b;
    int64_t extent = 0;
    if (!d.known()) {
      d = b == 1 ? d : ir::Dim();
    } else if ((i == 1) == to_space) {
      if (d.value % factor != 0) return c.fail("depth_to_space_c3", "an extent is no multiple of the block");
      d = d.value / factor;
    } else {
      if (__builtin_mul_overflow(d.value, factor, &extent)) return c.fail("depth_to_space_c4", "an extent overflows");
      d = extent;
    }
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status infer_to_space(InferContext& c) { return infer(c, true); }
Status infer_to_depth(InferContext& c) { return infer(c, false); }

/// Box (n, block row, block column, channel, y, x): strides of the deep and of the spread out tensor.
struct Blocks {
  ir::Dims extents, deep, wide;
};

Blocks blocks(const ir::Dims& deep, const ir::Dims& wide, int64_t b, bool channel_first) {
  const ir::Dims d = strides_of(deep), w = strides_of(wide);
  Blocks out;
  out.extents = {deep[0], b, b, wide[1], deep[2], deep[3]};
  if (channel_first)  // CRD: channel c, block (i, j) is depth (c * b + i) * b + j
    out.deep = {d[0], b * d[1], d[1], b * b * d[1], d[2], d[3]};
  else  // DCR: (i * b + j) * channels + c
    out.deep = {d[0], b * wide[1] * d[1], wide[1] * d[1], d[1], d[2], d[3]};
  out.wide = {w[0], w[2], w[3], w[1], b * w[2], b * w[3]};
  return out;
}

bool channel_first(const ir::Op& op) { return op.attr_string("mode", "DCR") == "CRD"; }

Status eval_to_space(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Blocks b = blocks(c.in(0).dims(), c.out(0).dims(), c.op.attr_int("blocksize", 1), channel_first(c.op));
  copy_strided(c.in(0), c.out(0), {b.extents, b.deep, b.wide}, c.threads);
  return {};
}

Status eval_to_depth(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Blocks b = blocks(c.out(0).dims(), c.in(0).dims(), c.op.attr_int("blocksize", 1), channel_first(c.op));
  copy_strided(c.in(0), c.out(0), {b.extents, b.wide, b.deep}, c.threads);
  return {};
}

Status to_space_to_mil(MilContext& c) {
  if (!ir::is_float(c.elem(0))) return c.refuse("of other than floating-point numbers");
  const mil::Value block = mil::of_int(static_cast<int32_t>(c.op.attr_int("blocksize", 1)));
  if (c.op.attr_int("blocksize", 1) == 1) return c.result(c.in(0));
  if (channel_first(c.op)) return c.emit("pixel_shuffle", {{"x", c.in(0)}, {"upscale_factor", block}});
  return c.emit("depth_to_space", {{"x", c.in(0)}, {"block_size", block}});
}
Status to_depth_to_mil(MilContext& c) {
  if (!ir::is_float(c.elem(0))) return c.refuse("of other than floating-point numbers");
  if (c.op.attr_int("blocksize", 1) == 1) return c.result(c.in(0));
  if (channel_first(c.op)) return c.refuse("channels first (CRD): space_to_depth has the other order");
  return c.emit("space_to_depth",
                {{"x", c.in(0)}, {"block_size", mil::of_int(static_cast<int32_t>(c.op.attr_int("blocksize", 1)))}});
}
Status reorganised(NnContext& c, int64_t mode) {
  const int64_t block = c.op.attr_int("blocksize", 1);
  if (block == 1) return c.result(c.in(0));
  return c.layer("reorganizeData", {c.in(0)}, c.params("reorganizeData").set("mode", mode).set("blockSize", block));
}
Status to_space_to_nn(NnContext& c) { return reorganised(c, channel_first(c.op) ? 2 : 1); }
Status to_depth_to_nn(NnContext& c) {
  if (channel_first(c.op)) return c.refuse("channels first (CRD): reorganizeData has the other order");
  return reorganised(c, 0);
}

constexpr In kIn[] = {{"input", kAnything}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"blocksize", ""}, {"mode", "DCR"}};

}  // namespace

extern const OpDef kDepthToSpace = {
    .name = "DepthToSpace",
    .since = 13,
    .doc = "Channels spread out as blocks of pixels.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer_to_space,
    .eval = eval_to_space,
    .to_mil = {to_space_to_mil, "depth_to_space, pixel_shuffle"},
    .to_nn = {to_space_to_nn, "reorganizeData"},
};

extern const OpDef kSpaceToDepth = {
    .name = "SpaceToDepth",
    .since = 28,
    .doc = "Blocks of pixels stacked as channels.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer_to_depth,
    .eval = eval_to_depth,
    .to_mil = {to_depth_to_mil, "space_to_depth"},
    .to_nn = {to_depth_to_nn, "reorganizeData"},
};

}  // namespace assay::ops
