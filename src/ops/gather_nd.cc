// GatherND and ScatterND: slices addressed by index tuples.
#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/scatter.h"

namespace assay::ops {
namespace {

/// Where tuple `n` of `indices` points: the element offset of its slice in data, `batch` leading axes aside.
Result<int64_t> offset_of(const KernelContext& c, const ir::Tensor& indices, int64_t n, const ir::Dims& dims,
                          const ir::Dims& strides, size_t batch) {
  const int64_t width = indices.dims().back();
  int64_t offset = 0;
  for (int64_t k = 0; k < width; ++k) {
    const size_t axis = batch + static_cast<size_t>(k);
    const int64_t wanted = indices.int_at(n * width + k), at = normal_axis(wanted, dims[axis]);
    if (at < 0)
      return c.fail(Code::value_range, "index " + std::to_string(wanted) + " is outside of axis " +
                                           std::to_string(axis) + " with extent " + std::to_string(dims[axis]));
    offset += at * strides[axis];
  }
  return offset;
}

Status infer_gather(InferContext& c) {
  if (c.ranked(1) && c.shape(1).empty()) return c.fail("gather_nd_c2", "indices are a scalar, not tuples");
  if (!c.ranked(0) || !c.ranked(1) || c.shape(1).empty() || !c.shape(1).back().known()) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  const int64_t batch = c.op().attr_int("batch_dims", 0), width = c.shape(1).back().value;
  if (batch < 0 || batch >= c.rank(1) || width < 1 || width > c.rank(0) - batch)
    return c.fail("gather_nd_c1",
                  "tuples of " + std::to_string(width) + " indices for rank " + std::to_string(c.rank(0)));
  std::vector<ir::Dim> out(c.shape(1).begin(), c.shape(1).end() - 1);
  out.insert(out.end(), c.shape(0).begin() + batch + width, c.shape(0).end());
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval_gather(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor &in = c.in(0), &indices = c.in(1);
  const auto batch = static_cast<size_t>(c.op.attr_int("batch_dims", 0));
  if (c.out(0).size() == 0) return {};
  int64_t batches = 1;
  for (size_t k = 0; k < batch; ++k) {
    if (in.dims()[k] != indices.dims()[k]) return c.fail(Code::model_invalid, "batch axes of data and indices differ");
    batches *= in.dims()[k];
  }
  const ir::Dims strides = strides_of(in.dims());
  const int64_t tuples = indices.size() / indices.dims().back(), slice = c.out(0).size() / tuples;
  for (int64_t n = 0; n < tuples; ++n) {
    ASSAY_TRY(const int64_t offset, offset_of(c, indices, n, in.dims(), strides, batch));
    const int64_t base = n / (tuples / batches) * (in.size() / batches);
    copy_run(in, base + offset, c.out(0), n * slice, slice);
  }
  return {};
}

Status infer_scatter(InferContext& c) {
  if (c.ranked(0) && c.ranked(1) &&
      (c.rank(1) < 1 || (c.shape(1).back().known() && c.shape(1).back().value > c.rank(0))))
    return c.fail("scatter_nd_c1", "index tuples are longer than the data's rank");
  return infer_same(c);
}

Status eval_scatter(KernelContext& c) {
  ASSAY_CHECK(copy_data(c));
  ir::Tensor& out = c.out(0);
  const ir::Tensor& indices = c.in(1);
  const ir::Tensor updates = as_storage(c.in(2), out.elem());
  const auto combine = combine_of(c);
  if (!combine.ok()) return combine.error();
  const auto width = static_cast<std::ptrdiff_t>(indices.dims().empty() ? -1 : indices.dims().back());
  if (width < 0 || width > out.rank()) return c.fail(Code::model_invalid, "index tuples do not fit the data");
  ir::Dims expected(indices.dims().begin(), indices.dims().end() - 1);
  expected.insert(expected.end(), out.dims().begin() + width, out.dims().end());
  if (updates.dims() != expected)
    return c.fail(Code::model_invalid,
                  "updates have shape " + ir::to_string(updates.dims()) + ", not " + ir::to_string(expected));
  if (updates.size() == 0) return {};
  const int64_t slice = volume({out.dims().begin() + width, out.dims().end()}), tuples = updates.size() / slice;
  const ir::Dims strides = strides_of(out.dims());
  Scattering scattering(c, *combine, updates);
  for (int64_t n = 0; n < tuples; ++n) {
    ASSAY_TRY(const int64_t to, offset_of(c, indices, n, out.dims(), strides, 0));
    scattering.take(n * slice, to, slice);
  }
  scattering.finish();
  return {};
}

/// Axes of the data that index tuples name, or why that is not known.
template <class Context>
Result<ir::Dims> named_axes(const Context& c, int64_t batch) {
  const int64_t width = c.dim(1, -1);
  if (width < 1) return c.refuse("how many axes the index tuples name is known only at run time");
  ir::Dims axes;
  for (int64_t k = 0; k < width; ++k) axes.push_back(batch + k);
  return axes;
}

Status gather_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesSmall));
  const int64_t batch = c.op.attr_int("batch_dims", 0);
  ASSAY_TRY(const ir::Dims axes, named_axes(c, batch));
  ASSAY_TRY(const MilValue at, indices_of(c, 1, x, axes, true, false));
  MilParams params = {{"x", x}, {"indices", at}};
  if (batch > 0) {
    c.need(7, "batch axes of gather_nd");
    params.push_back({"batch_dims", mil::of_int(static_cast<int32_t>(batch))});
  }
  return emit_carried(c, "gather_nd", params, x.data());
}

Status scatter_to_mil(MilContext& c) {
  ASSAY_TRY(const std::string mode, scatter_mode(c));
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesNumbers));
  ASSAY_TRY(const MilValue updates, operand(c, 2, kTakesNumbers));
  ASSAY_TRY(const ir::Dims axes, named_axes(c, 0));
  ASSAY_TRY(const MilValue at, indices_of(c, 1, x, axes, true, false));
  return emit_carried(c, "scatter_nd",
                      {{"data", x}, {"indices", at}, {"updates", updates}, {"mode", mil::of_text(mode)}}, x.data());
}

Status gather_to_nn(NnContext& c) {
  if (c.op.attr_int("batch_dims", 0) != 0) return c.refuse("the layer gatherND has no batch axes");
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  ASSAY_TRY(const ir::Dims axes, named_axes(c, 0));
  ASSAY_TRY(const std::string at, nn_indices(c, 1, axes, false));
  return c.layer("gatherND", {x, at});
}

Status scatter_to_nn(NnContext& c) {
  ASSAY_TRY(const int64_t mode, scatter_mode(c));
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  ASSAY_TRY(const ir::Dims axes, named_axes(c, 0));
  ASSAY_TRY(const std::string at, nn_indices(c, 1, axes, false));
  return c.layer("scatterND", {x, at, c.in(2)}, c.params("scatterND").set("mode", mode));
}

constexpr In kGatherIn[] = {{"data", kAnything}, {"indices", kInt64}};
constexpr In kScatterIn[] = {{"data", kAnything}, {"indices", kInt64}, {"updates", kAnything}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kGatherAttrs[] = {{"batch_dims", "0"}};
constexpr AttrDoc kScatterAttrs[] = {{"reduction", "none"}};

}  // namespace

extern const OpDef kGatherND = {
    .name = "GatherND",
    .since = 13,
    .doc = "Slices of the data that index tuples name.",
    .in = kGatherIn,
    .out = kOut,
    .attrs = kGatherAttrs,
    .infer = infer_gather,
    .eval = eval_gather,
    .to_mil = {gather_to_mil, "gather_nd"},
    .to_nn = {gather_to_nn, "gatherND"},
};

extern const OpDef kScatterND = {
    .name = "ScatterND",
    .since = 18,
    .doc = "The data with the slices that index tuples name replaced or combined; updates act in order.",
    .in = kScatterIn,
    .out = kOut,
    .attrs = kScatterAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "updates of one position, in order; rounded as stored at the end",
    .infer = infer_scatter,
    .eval = eval_scatter,
    .to_mil = {scatter_to_mil, "scatter_nd"},
    .to_nn = {scatter_to_nn, "scatterND"},
};

}  // namespace assay::ops
