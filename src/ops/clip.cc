#include <limits>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

void count_param(const ir::Op& op, float* params) { params[0] = static_cast<float>(op.inputs.size()); }
/// Bound i, or null where it is absent. The number of inputs is a parameter of the spans.
template <class T>
const T* bound(const float* params, const T* const* in, size_t i) {
  return i < static_cast<size_t>(params[0]) ? in[i] : nullptr;
}

// x < min ? min : x, then max < x ? max : x, as the operator's body in ONNX writes it; so min > max gives max.
template <class T>
void clip(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  if (n != 0) arith.clamp(in[0], bound(params, in, 1), bound(params, in, 2), out, n);
}
template <class T>
void clip_int(const float* params, const T* const* in, T* out, size_t n) {
  const T* low = bound(params, in, 1);
  const T* high = bound(params, in, 2);
  for (size_t i = 0; i < n; ++i) {
    T x = in[0][i];
    if (low && x < low[i]) x = low[i];
    if (high && high[i] < x) x = high[i];
    out[i] = x;
  }
}

Status infer(InferContext& c) {
  for (const size_t i : {size_t{1}, size_t{2}}) {
    if (!c.has(i) || !c.ranked(i)) continue;
    for (const ir::Dim& d : c.shape(i)) {
      if (d.known() && d.value != 1) return c.fail("clip_c1", "a bound must be a scalar");
    }
  }
  return infer_same(c);
}

// Bounds were attributes; from 6 on they had defaults, which infinities are clipped to.
Status attributes_to_inputs(UpgradeContext& c) {
  const bool defaults = c.version >= 6;
  const std::pair<const char*, float> bounds[] = {{"min", std::numeric_limits<float>::lowest()},
                                                  {"max", std::numeric_limits<float>::max()}};
  for (size_t i = 0; i < 2; ++i) {
    const auto& [name, fallback] = bounds[i];
    if (defaults || c.op.has_attr(name))
      c.set_input(i + 1, c.constant(ir::Tensor::scalar(c.op.attr_float(name, fallback))));
    c.op.remove_attr(name);
  }
  c.op.remove_attr("consumed_inputs");
  return {};
}

constexpr In kIn[] = {
    {"input", kNumbers}, {"min", kNumbers, kOptional | kExempt}, {"max", kNumbers, kOptional | kExempt}};
constexpr Out kOut[] = {{"output"}};
constexpr Upgrade kUpgrades[] = {{11, attributes_to_inputs}};

}  // namespace

extern const OpDef kClip = {
    .name = "Clip",
    .since = 13,
    .doc = "Limits each element to [min, max]; max wins when min is greater.",
    .in = kIn,
    .out = kOut,
    .mixed = true,  // a bound that was an attribute is float32
    .numeric = Numeric::elementwise,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval_elementwise,
    .elementwise = {clip<float>, clip<double>, count_param, clip_int<int64_t>, clip_int<uint64_t>, 0b110},
    .in_place = true,
};

}  // namespace assay::ops
