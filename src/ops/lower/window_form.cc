#include "ops/lower/window_form.h"

#include <algorithm>
#include <array>

#include "ops/window_attrs.h"

namespace assay::ops {
namespace {

Error refused(std::string reason) { return Error{Code::not_convertible, std::move(reason)}; }

bool is_same(AutoPad pad) { return pad == AutoPad::same_upper || pad == AutoPad::same_lower; }

Result<WindowForm> shape_of(const ir::Op& op, const WindowOperands& operands, KernelAttrs& attrs) {
  const size_t axes = operands.kernel.size();
  if (axes < 1 || axes > 3) return refused("windows over " + std::to_string(axes) + " spatial axes");
  if (std::ranges::min(operands.kernel) < 0) return refused("the extents of the kernel are not known");
  attrs = window_attrs_unchecked(op, operands.kernel);
  WindowForm form;
  for (const KernelAxis& axis : attrs.axes) {
    form.kernel.push_back(axis.kernel);
    form.stride.push_back(axis.stride);
    form.dilation.push_back(axis.dilation);
    if (axis.before < 0 || axis.after < 0) return refused("negative pads, which crop");
  }
  return form;
}

}  // namespace

bool WindowForm::dilated() const {
  return std::ranges::any_of(dilation, [](int64_t d) { return d != 1; });
}
bool WindowForm::padded() const {
  const auto some = [](int64_t p) { return p != 0; };
  return std::ranges::any_of(begin, some) || std::ranges::any_of(end, some);
}

Result<WindowForm> conv_form(const ir::Op& op, const WindowOperands& operands) {
  KernelAttrs attrs;
  ASSAY_TRY(WindowForm form, shape_of(op, operands, attrs));
  for (size_t i = 0; i < attrs.axes.size(); ++i) {
    const KernelAxis& axis = attrs.axes[i];
    const int64_t in = operands.spatial[i];
    int64_t begin = axis.before, end = axis.after;
    if (is_same(axis.auto_pad) && in < 0) {
      (axis.auto_pad == AutoPad::same_upper ? form.same_upper : form.same_lower) = true;
    } else if (is_same(axis.auto_pad)) {
      begin = axis.pad_before(in);
      end = std::max<int64_t>(0, (axis.out_extent(in) - 1) * axis.stride + axis.reach() - in) - begin;
    }
    form.begin.push_back(begin);
    form.end.push_back(end);
  }
  return form;
}

// The full result of an axis has (in - 1) * stride + reach elements: `begin` and `end` are cut off it. Where
// output_padding or output_shape ask for more, zeros follow.
Result<WindowForm> conv_transpose_form(const ir::Op& op, const WindowOperands& operands) {
  KernelAttrs attrs;
  ASSAY_TRY(WindowForm form, shape_of(op, operands, attrs));
  const size_t axes = attrs.axes.size();
  const ir::Dims extra = op.attr_ints("output_padding"), shape = op.attr_ints("output_shape");
  for (size_t i = 0; i < axes; ++i) {
    const KernelAxis& axis = attrs.axes[i];
    const int64_t added = extra.size() == axes ? extra[i] : 0;
    int64_t begin = axis.before, end = axis.after - added;
    if (!shape.empty() || is_same(axis.auto_pad)) {
      // With auto_pad the result has in * stride elements, so that what is cut off does not depend on `in`.
      const int64_t in = operands.spatial[i], full = axis.reach() - axis.stride;
      if (!shape.empty() && in < 0) return refused("output_shape for an extent that is not known");
      const int64_t cut = shape.empty() ? full : full + in * axis.stride - shape[shape.size() - axes + i];
      const int64_t total = std::max<int64_t>(0, cut + added);
      begin = axis.auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2;
      end = cut - begin;
    }
    form.begin.push_back(begin);
    form.end.push_back(std::max<int64_t>(0, end));
    form.tail.push_back(std::max<int64_t>(0, -end));
  }
  return form;
}

MilParams mil_window(const WindowForm& form) {
  const bool same = form.same_upper || form.same_lower;
  ir::Dims pads;
  for (size_t i = 0; i < form.begin.size(); ++i) pads.insert(pads.end(), {form.begin[i], form.end[i]});
  const char* type = form.same_lower ? "same_lower" : form.same_upper ? "same" : form.padded() ? "custom" : "valid";
  return {{"strides", MilContext::ints(form.stride)},
          {"pad_type", mil::of_text(type)},
          {"pad", MilContext::ints(same ? ir::Dims(pads.size(), 0) : pads)}};
}

void need_window(MilContext& c, const WindowForm& form) {
  if (form.same_lower) c.need(7, "pads of SAME_LOWER over extents that are not known");
}

WindowForm widened(const WindowForm& form) {
  WindowForm wide = form;
  for (ir::Dims* one : {&wide.kernel, &wide.stride, &wide.dilation}) one->insert(one->begin(), 1);
  for (ir::Dims* none : {&wide.begin, &wide.end}) none->insert(none->begin(), 0);
  if (!wide.tail.empty()) wide.tail.insert(wide.tail.begin(), 0);
  return wide;
}

void nn_padding(mil::Message& params, const WindowForm& form) {
  if (form.same_upper || form.same_lower) {
    params.set("same", params.make("same").set("asymmetryMode", int64_t{form.same_lower}));
    return;
  }
  mil::Message valid = params.make("valid");
  mil::Message amounts = valid.make("paddingAmounts");
  std::vector<mil::Message> edges;
  for (size_t i = 0; i < form.begin.size(); ++i)
    edges.push_back(amounts.make("borderAmounts").set("startEdgeSize", form.begin[i]).set("endEdgeSize", form.end[i]));
  amounts.set("borderAmounts", std::move(edges));
  valid.set("paddingAmounts", std::move(amounts));
  params.set("valid", std::move(valid));
}

void nn_padding3d(mil::Message& params, const WindowForm& form) {
  constexpr std::array<std::string_view, 3> kBegin = {"customPaddingFront", "customPaddingTop", "customPaddingLeft"};
  constexpr std::array<std::string_view, 3> kEnd = {"customPaddingBack", "customPaddingBottom", "customPaddingRight"};
  for (size_t i = 0; i < kBegin.size(); ++i) params.set(kBegin[i], form.begin[i]).set(kEnd[i], form.end[i]);
}

}  // namespace assay::ops
