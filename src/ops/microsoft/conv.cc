// Convolutions with a sum and an activation, and windows over data with the channels last.
#include <numeric>

#include "ops/microsoft/activation.h"
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

std::vector<ir::Attr> window_attrs(const ir::Op& node) {
  std::vector<ir::Attr> attrs;
  for (const ir::Attr& attr : node.attrs)
    if (!attr.name.starts_with("activation")) attrs.push_back(attr);
  return attrs;
}

/// Axis 1 to the end, or back.
Result<Id> move_channels(Compose& c, Id x, bool last) {
  if (!c.ranked(x)) return c.fail("the rank of the data is not known");
  if (c.rank(x) < 3) return c.fail("the data have no spatial axes");
  ir::Dims perm(static_cast<size_t>(c.rank(x)));
  std::iota(perm.begin(), perm.end(), 0);
  if (last)
    std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
  else
    std::rotate(perm.begin() + 1, perm.end() - 1, perm.end());
  return c.transpose(x, perm);
}

/// + Z, then the activation.
Result<Id> epilogue(Compose& c, Id y, Id residual) {
  if (residual != ir::kNoValue) y = c.op("Add", {y, residual});
  return activate(c, y, c.node().attr_string("activation", ""), c.node().attr_floats("activation_params"));
}

Status fused(Compose& c) {
  const Id y = c.op("Conv", {c.in(0), c.in(1), c.in(2)}, window_attrs(c.node()));
  ASSAY_TRY(const Id z, epilogue(c, y, c.in(3)));
  c.give(0, z);
  return {};
}

/// Weights of NhwcConv have their channels last as well; files with ONNX's own order exist too.
bool channels_last(const Compose& c, Id x, Id w) {
  const int64_t channels = c.extent(x, -1), group = c.node().attr_int("group", 1);
  if (channels < 0 || c.extent(w, -1) < 0 || c.extent(w, 1) < 0) return true;
  return c.extent(w, -1) * group == channels || c.extent(w, 1) * group != channels;
}

Status nhwc(Compose& c) {
  ASSAY_TRY(const Id x, move_channels(c, c.in(0), false));
  Id w = c.in(1);
  if (channels_last(c, c.in(0), w)) {
    ASSAY_TRY(w, move_channels(c, w, false));
  }
  ASSAY_TRY(const Id y, move_channels(c, c.op("Conv", {x, w, c.in(2)}, window_attrs(c.node())), true));
  c.give(0, y);
  return {};
}

Status nhwc_fused(Compose& c) {
  ASSAY_TRY(const Id x, move_channels(c, c.in(0), false));
  const Id conv = c.op("Conv", {x, c.in(1), c.in(2)}, window_attrs(c.node()));
  ASSAY_TRY(const Id y, move_channels(c, conv, true));
  ASSAY_TRY(const Id z, epilogue(c, y, c.in(3)));
  c.give(0, z);
  return {};
}

Status nhwc_max_pool(Compose& c) {
  ASSAY_TRY(const Id x, move_channels(c, c.in(0), false));
  ASSAY_TRY(const Id y, move_channels(c, c.op("MaxPool", {x}, window_attrs(c.node())), true));
  c.give(0, y);
  return {};
}

constexpr In kFusedIn[] = {{"X", kFloats}, {"W", kFloats}, {"B", kFloats, kOptional}, {"Z", kFloats, kOptional}};
constexpr In kIn[] = {{"X", kFloats}, {"W", kFloats}, {"B", kFloats, kOptional}};
constexpr In kPoolIn[] = {{"x", type_set(ir::ElemType::int8) | type_set(ir::ElemType::uint8) | kFloats}};
constexpr Out kY[] = {{"Y"}};
constexpr AttrDoc kFusedAttrs[] = {
    {"activation", "-"}, {"activation_params", "-"}, {"auto_pad", "NOTSET"}, {"dilations", "-"},
    {"group", "1"},      {"kernel_shape", "-"},      {"pads", "-"},          {"strides", "-"}};
constexpr AttrDoc kAttrs[] = {{"auto_pad", "NOTSET"}, {"dilations", "-"}, {"group", "1"},
                              {"kernel_shape", "-"},  {"pads", "-"},      {"strides", "-"}};
constexpr AttrDoc kPoolAttrs[] = {{"auto_pad", "NOTSET"}, {"ceil_mode", "0"}, {"dilations", "-"},
                                  {"kernel_shape", ""},   {"pads", "-"},      {"strides", "-"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftFusedConv, kMicrosoft, "FusedConv", kFusedIn, kY, kFusedAttrs, fused, "Conv, + Z, activation.")
ASSAY_COMPOSED(kMicrosoftNhwcConv, kMicrosoft, "NhwcConv", kIn, kY, kAttrs, nhwc,
               "Conv of data and weights with the channels last.")
ASSAY_COMPOSED(kMicrosoftNhwcFusedConv, kMicrosoft, "NhwcFusedConv", kFusedIn, kY, kFusedAttrs, nhwc_fused,
               "Conv of data with the channels last, + Z, activation.")
ASSAY_COMPOSED(kMicrosoftNhwcMaxPool, kMicrosoft, "NhwcMaxPool", kPoolIn, kY, kPoolAttrs, nhwc_max_pool,
               "MaxPool of data with the channels last.")

}  // namespace assay::ops
