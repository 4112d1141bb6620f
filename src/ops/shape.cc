// Shape and Size.
#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// start and end clamped as a slice is.
std::pair<int64_t, int64_t> range_of(const ir::Op& op, int64_t rank) {
  const auto clamped = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t begin = clamped(op.attr_int("start", 0));
  return {begin, std::max(begin, clamped(op.attr_int("end", rank)))};
}

Status infer_shape(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, ir::ElemType::int64, std::vector<ir::Dim>(1));
    return {};
  }
  const auto [begin, end] = range_of(c.op(), c.rank(0));
  ir::Dims known;
  for (int64_t i = begin; i < end; ++i) {
    const ir::Dim& d = c.shape(0)[static_cast<size_t>(i)];
    if (d.known()) known.push_back(d.value);
  }
  if (static_cast<int64_t>(known.size()) == end - begin)
    c.set_constant(0, ir::Tensor::of_ints(known));
  else
    c.set(0, ir::ElemType::int64, std::vector<ir::Dim>{end - begin});
  return {};
}

Status eval_shape(KernelContext& c) {
  const auto [begin, end] = range_of(c.op, c.in(0).rank());
  if (c.out(0).empty_handle()) c.allocate(0, {end - begin});
  for (int64_t i = begin; i < end; ++i) c.out(0).set_int(i - begin, c.in(0).dims()[static_cast<size_t>(i)]);
  return {};
}

Status infer_size(InferContext& c) {
  if (c.type(0).is_static()) {
    const ir::Dims dims = c.type(0).dims();
    ASSAY_CHECK(check_size(c, dims));
    c.set_constant(0, ir::Tensor::scalar(volume(dims)));
  } else {
    c.set(0, ir::ElemType::int64, std::vector<ir::Dim>{});
  }
  return {};
}

Status eval_size(KernelContext& c) {
  if (c.out(0).empty_handle()) c.allocate(0, {});
  c.out(0).set_int(0, c.in(0).size());
  return {};
}

Status shape_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans));
  const auto [begin, end] = range_of(c.op, x.rank());
  if (begin == end) return c.refuse("the result has no elements");
  return c.result(extents_of(c, x, begin, end));
}

Status size_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans));
  return c.emit(
      "reduce_prod",
      {{"x", extents_of(c, x, 0, x.rank())}, {"axes", MilContext::ints({0})}, {"keep_dims", mil::of_bool(false)}});
}

Status shape_to_nn(NnContext& c) {
  if (c.rank(0) < 0) return c.refuse("a value of unknown rank");
  const auto [begin, end] = range_of(c.op, c.rank(0));
  if (begin == end) return c.refuse("the result has no elements");
  return c.result(nn_extents(c, 0, begin, end));
}

Status size_to_nn(NnContext& c) {
  if (c.rank(0) < 0) return c.refuse("a value of unknown rank");
  return c.layer("reduceProd", {nn_extents(c, 0, 0, c.rank(0))},
                 c.params("reduceProd").set("axes", ir::Dims{0}).set("keepDims", int64_t{1}));
}

constexpr In kIn[] = {{"data", kAnything}};
constexpr Out kShapeOut[] = {{"shape"}};
constexpr Out kSizeOut[] = {{"size"}};
constexpr AttrDoc kShapeAttrs[] = {{"start", "0"}, {"end", "-"}};

}  // namespace

extern const OpDef kShape = {
    .name = "Shape",
    .since = 25,
    .doc = "The input's extents from axis `start` up to axis `end`.",
    .in = kIn,
    .out = kShapeOut,
    .attrs = kShapeAttrs,
    .infer = infer_shape,
    .eval = eval_shape,
    .to_mil = {shape_to_mil, "shape, slice_by_index"},
    .to_nn = {shape_to_nn, "getShape, sliceStatic"},
};

extern const OpDef kSize = {
    .name = "Size",
    .since = 25,
    .doc = "The number of the input's elements.",
    .in = kIn,
    .out = kSizeOut,
    .infer = infer_size,
    .eval = eval_size,
    .to_mil = {size_to_mil, "shape, reduce_prod"},
    .to_nn = {size_to_nn, "getShape, reduceProd"},
};

}  // namespace assay::ops
