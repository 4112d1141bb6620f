// AveragePool, MaxPool and LpPool. What ceil_mode adds is written as pads behind, which no window counts.
#include <algorithm>
#include <optional>

#include "ops/lower/families.h"
#include "ops/lower/pool_form.h"
#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

enum class Pool : uint8_t { max = 0, average = 1, l2 = 2 };  // as NeuralNetwork.proto numbers them

bool holds_codes(const LowerContext& c) { return c.elem(0) == ir::ElemType::int8 || c.elem(0) == ir::ElemType::uint8; }

/// Whether a window may lie in the padding alone, whose maximum is the least code in ONNX and -infinity here.
bool leaves_data(const WindowForm& form) {
  for (size_t i = 0; i < form.kernel.size() && i < form.begin.size(); ++i)
    if (form.begin[i] >= form.kernel[i] || form.end[i] >= form.kernel[i]) return true;
  return false;
}

Result<PoolForm> form_of(const LowerContext& c, Pool kind) {
  ir::Dims spatial;
  for (int64_t i = 2; i < c.rank(0); ++i) spatial.push_back(c.dim(0, i));
  const bool counts = kind == Pool::average && c.op.attr_int("count_include_pad", 0) != 0;
  ASSAY_TRY(PoolForm form, pool_form(c.op, spatial, counts));
  if (form.window.dilated()) return c.refuse("a dilated pooling");
  if (!ir::is_float(c.elem(0)) && !holds_codes(c)) return c.refuse("poolings of integers");
  if (holds_codes(c) && leaves_data(form.window)) return c.refuse("windows of codes in the padding alone");
  if (kind == Pool::l2 && c.op.attr_int("p", 2) != 2)
    return c.refuse("p = " + std::to_string(c.op.attr_int("p", 2)) + ": Core ML has the 2-norm of windows alone");
  if (kind == Pool::l2 && spatial.size() == 3) return c.refuse("norms over windows of three dimensions");
  if (kind == Pool::max && c.wants(1)) return c.refuse("positions of maxima (output Indices)");
  return form;
}

Result<MilParams> mil_params(MilContext& c, const MilValue& x, Pool kind, const PoolForm& form) {
  if (form.window.same_lower && form.window.kernel.size() == 1)
    return c.refuse("SAME_LOWER over an extent that is not known, in one dimension");
  need_window(c, form.window);
  MilParams params = {{"x", x}, {"kernel_sizes", MilContext::ints(form.window.kernel)}};
  for (MilParam& param : mil_window(form.window)) params.push_back(std::move(param));
  params.push_back({"ceil_mode", mil::of_bool(form.ceil)});
  if (kind == Pool::average)
    params.push_back({"exclude_padding_from_average", mil::of_bool(c.op.attr_int("count_include_pad", 0) == 0)});
  return params;
}

std::string_view mil_name(Pool kind) {
  return kind == Pool::max ? "max_pool" : kind == Pool::average ? "avg_pool" : "l2_pool";
}

/// The pooling of `x`, which stands for the operand, as a value of float32.
Result<MilValue> mil_pooled(MilContext& c, const MilValue& x, Pool kind, const PoolForm& form) {
  ASSAY_TRY(const MilParams params, mil_params(c, x, kind, form));
  if (!c.out_type().ranked()) return c.refuse("the rank is not known");
  mil::Dims dims;
  for (const ir::Dim& d : *c.out_type().shape) dims.push_back(d.value);
  return c.make(mil_name(kind), params, mil::Type::tensor(mil::DataType::float32, std::move(dims)));
}

Status to_mil(MilContext& c, Pool kind) {
  ASSAY_TRY(const PoolForm form, form_of(c, kind));
  if (holds_codes(c)) {  // of maxima
    c.keep_single("poolings take floats, and float32 holds codes");
    ASSAY_TRY(const MilValue y, mil_pooled(c, c.cast(c.in(0), mil::DataType::float32), kind, form));
    ASSAY_CHECK(c.status());
    return c.result(c.cast(y, c.elem(0) == ir::ElemType::int8 ? mil::DataType::int8 : mil::DataType::uint8));
  }
  ASSAY_TRY(const MilParams params, mil_params(c, c.in(0), kind, form));
  return c.emit(mil_name(kind), params);
}

Status volume_to_nn(NnContext& c, Pool kind, const WindowForm& form) {
  if (form.same_upper || form.same_lower)
    return c.refuse("auto_pad over extents that are not known, in three dimensions");
  mil::Message params = c.params("pooling3d");
  params.set("type", static_cast<int64_t>(kind));
  params.set("kernelDepth", form.kernel[0]).set("kernelHeight", form.kernel[1]).set("kernelWidth", form.kernel[2]);
  params.set("strideDepth", form.stride[0]).set("strideHeight", form.stride[1]).set("strideWidth", form.stride[2]);
  params.set("countExcludePadding", int64_t{c.op.attr_int("count_include_pad", 0) == 0});
  nn_padding3d(params, form);
  return c.layer("pooling3d", {c.in(0)}, std::move(params));
}

/// The pooling of a blob over one or two axes.
Result<std::string> nn_pooled(NnContext& c, const std::string& x, Pool kind, const PoolForm& form) {
  if (form.ceil) return c.refuse("ceil_mode over extents that are not known");
  const size_t spatial = form.window.kernel.size();
  if (spatial == 3) return c.refuse("poolings of codes over three axes");
  const WindowForm window = spatial == 1 ? widened(form.window) : form.window;
  mil::Message params = c.params("pooling");
  params.set("type", static_cast<int64_t>(kind)).set("kernelSize", window.kernel).set("stride", window.stride);
  params.set("avgPoolExcludePadding", int64_t{c.op.attr_int("count_include_pad", 0) == 0});
  nn_padding(params, window);
  if (spatial == 2) return c.make("pooling", {x}, std::move(params));
  NnSteps s(c);
  return s.squeeze(c.make("pooling", {s.expand(x, {2})}, std::move(params)), {2});
}

Status to_nn(NnContext& c, Pool kind) {
  ASSAY_TRY(const PoolForm form, form_of(c, kind));
  if (form.ceil) return c.refuse("ceil_mode over extents that are not known");
  if (form.window.kernel.size() == 3 && !holds_codes(c)) return volume_to_nn(c, kind, form.window);
  ASSAY_TRY(const std::string y, nn_pooled(c, c.in(0), kind, form));
  return c.result(y);
}

}  // namespace

Result<PoolForm> average_form(const LowerContext& c) { return form_of(c, Pool::average); }
Result<MilValue> mil_average(MilContext& c, const MilValue& x, const PoolForm& form) {
  return mil_pooled(c, x, Pool::average, form);
}
Result<std::string> nn_average(NnContext& c, const std::string& x, const PoolForm& form) {
  return nn_pooled(c, x, Pool::average, form);
}

Status average_pool_to_mil(MilContext& c) { return to_mil(c, Pool::average); }
Status average_pool_to_nn(NnContext& c) { return to_nn(c, Pool::average); }
Status max_pool_to_mil(MilContext& c) { return to_mil(c, Pool::max); }
Status max_pool_to_nn(NnContext& c) { return to_nn(c, Pool::max); }
Status lp_pool_to_mil(MilContext& c) { return to_mil(c, Pool::l2); }
Status lp_pool_to_nn(NnContext& c) { return to_nn(c, Pool::l2); }

}  // namespace assay::ops
