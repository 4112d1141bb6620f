#include <algorithm>

#include "ops/lower/families.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// The wanted extents, axis by axis (-1: unchanged), or nullopt when shape and axes contradict each other.
std::optional<ir::Dims> targets(const ir::Op& op, const ir::Dims& shape, int64_t rank) {
  ir::Dims axes = op.attr_ints("axes");
  if (!op.has_attr("axes"))
    for (int64_t k = 0; k < rank; ++k) axes.push_back(k);
  if (axes.size() != shape.size()) return std::nullopt;
  ir::Dims out(static_cast<size_t>(rank), -1);
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t axis = normal_axis(axes[k], rank);
    if (axis < 0 || shape[k] < 0 || out[static_cast<size_t>(axis)] >= 0) return std::nullopt;
    out[static_cast<size_t>(axis)] = shape[k];
  }
  return out;
}

Status infer(InferContext& c) {
  const auto shape = constant_ints(c, 1);
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  std::vector<ir::Dim> out(c.shape(0).size());
  if (shape) {
    const auto wanted = targets(c.op(), *shape, c.rank(0));
    if (!wanted)
      return c.fail("center_crop_pad_c1",
                    "shape " + ir::to_string(*shape) + " along axes " +
                        (c.op().has_attr("axes") ? ir::to_string(c.op().attr_ints("axes")) : "all") + " of rank " +
                        std::to_string(c.rank(0)));
    for (size_t k = 0; k < out.size(); ++k) out[k] = (*wanted)[k] >= 0 ? ir::Dim((*wanted)[k]) : c.shape(0)[k];
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims &in = c.in(0).dims(), &out = c.out(0).dims();
  ir::Tensor zero = ir::Tensor::allocate(c.out(0).elem(), {});
  if (zero.elem() != ir::ElemType::string) std::fill_n(zero.mutable_bytes(), zero.byte_size(), std::byte{0});
  fill_run(zero, 0, c.out(0), 0, c.out(0).size());
  StridedCopy copy{in, strides_of(in), strides_of(out)};
  for (size_t k = 0; k < in.size(); ++k) {
    copy.extents[k] = std::min(in[k], out[k]);
    copy.in_begin += std::max<int64_t>(0, in[k] - out[k]) / 2 * copy.in_strides[k];
    copy.out_begin += std::max<int64_t>(0, out[k] - in[k]) / 2 * copy.out_strides[k];
  }
  copy_strided(c.in(0), c.out(0), std::move(copy), c.threads);
  return {};
}

constexpr In kIn[] = {{"input_data", kAnything}, {"shape", kIndices}};
constexpr Out kOut[] = {{"output_data"}};
constexpr AttrDoc kAttrs[] = {{"axes", "-"}};

}  // namespace

extern const OpDef kCenterCropPad = {
    .name = "CenterCropPad",
    .since = 18,
    .doc = "The input cropped or padded with zeros, evenly on both sides, to the given extents.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {center_crop_pad_to_mil, "slice_by_size, pad"},
    .to_nn = {center_crop_pad_to_nn, "sliceStatic, constantPad"},
};

}  // namespace assay::ops
