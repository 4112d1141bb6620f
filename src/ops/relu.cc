// Piecewise linear activations.
#include <type_traits>

#include "ops/element_spans.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/legacy_broadcast.h"
#include "ops/lower/rules.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

template <class T>
void relu(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  arith.relu(in[0], out, n);
}
void relu_int(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = std::max<int64_t>(in[0][i], 0);
}

template <class T>
void leaky(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    arith.mul(in[0] + i, T(params[0]), t, m);
    arith.select_negative(in[0] + i, t, in[0] + i, out + i, m);
  });
}
void leaky_params(const ir::Op& op, float* params) { params[0] = op.attr_float("alpha", 0.01f); }

template <class T>
void prelu(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    arith.mul(in[1] + i, in[0] + i, t, m);
    arith.select_negative(in[0] + i, t, in[0] + i, out + i, m);
  });
}
void prelu_int(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const auto x = static_cast<uint64_t>(in[0][i]), slope = static_cast<uint64_t>(in[1][i]);
    out[i] = static_cast<int64_t>(in[0][i] < 0 ? slope * x : x);
  }
}
void prelu_uint(const float*, const uint64_t* const* in, uint64_t* out, size_t n) { std::copy_n(in[0], n, out); }

// Before 7 a one-dimensional slope belonged to the channels, axis 1.
Status prelu_channels(UpgradeContext& c) {
  const ir::Type slope = c.type(1);
  if (!slope.ranked() || slope.shape->size() != 1 || slope.shape->front().value == 1) return {};
  c.op.set_attr("broadcast", int64_t{1});
  c.op.set_attr("axis", int64_t{1});
  return upgrade_broadcast(c);
}
constexpr Upgrade kPReluUpgrades[] = {{7, prelu_channels}};

// alpha < x ? x : 0, which makes NaN zero, as the operator's body in ONNX does.
template <class T>
void thresholded(const num::Arith<T>&, const float* params, const T* const* in, T* out, size_t n) {
  const T alpha = T(params[0]);
  if constexpr (std::is_same_v<T, float>) return keep_above(in[0], alpha, n, out);
  for (size_t i = 0; i < n; ++i) out[i] = alpha < in[0][i] ? in[0][i] : T(0);
}
void thresholded_params(const ir::Op& op, float* params) { params[0] = op.attr_float("alpha", 1.0f); }

constexpr In kReluIn[] = {{"X", kFloats | kSigned}};
constexpr In kIn[] = {{"X", kFloats}};
constexpr In kPReluIn[] = {{"X", kNumbers}, {"slope", kNumbers}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kLeakyAttrs[] = {{"alpha", "0.01"}};
constexpr AttrDoc kThresholdAttrs[] = {{"alpha", "1"}};

}  // namespace

extern const OpDef kLeakyRelu = {
    .name = "LeakyRelu",
    .since = 16,
    .doc = "alpha * x for negative x, else x.",
    .in = kIn,
    .out = kOut,
    .attrs = kLeakyAttrs,
    .numeric = Numeric::elementwise,
    .infer = infer_same,
    .eval = eval_elementwise,
    .elementwise = {leaky<float>, leaky<double>, leaky_params},
    .to_mil = {leaky_relu_to_mil, "leaky_relu"},
    .to_nn = {leaky_relu_to_nn, "activation leakyReLU"},
    .in_place = true,
    .bound = {.f32 = 0.5},
};

extern const OpDef kPRelu = {
    .name = "PRelu",
    .since = 16,
    .doc = "slope * x for negative x, else x; the slope broadcasts to x.",
    .in = kPReluIn,
    .out = kOut,
    .numeric = Numeric::elementwise,
    .upgrades = kPReluUpgrades,
    .infer = infer_broadcast,
    .eval = eval_elementwise,
    .elementwise = {prelu<float>, prelu<double>, nullptr, prelu_int, prelu_uint},
    .to_mil = {prelu_to_mil, "prelu, leaky_relu; else less, mul, select"},
    .to_nn = {prelu_to_nn, "activation PReLU, leakyReLU; else lessThan, multiplyBroadcastable, whereBroadcastable"},
    .in_place = true,
    .bound = {.f32 = 0.5},
};

extern const OpDef kRelu = {
    .name = "Relu",
    .since = 14,
    .doc = "0 for negative x, else x; -0 and NaN stay.",
    .in = kReluIn,
    .out = kOut,
    .numeric = Numeric::elementwise,
    .infer = infer_same,
    .eval = eval_elementwise,
    .elementwise = {relu<float>, relu<double>, nullptr, relu_int},
    .to_mil = {mil_function<"relu">, "relu"},
    .to_nn = {nn_float_activation<"ReLU">, "activation ReLU"},
    .in_place = true,
};

extern const OpDef kThresholdedRelu = {
    .name = "ThresholdedRelu",
    .since = 22,
    .doc = "x where it is greater than alpha, else 0.",
    .in = kIn,
    .out = kOut,
    .attrs = kThresholdAttrs,
    .numeric = Numeric::elementwise,
    .infer = infer_same,
    .eval = eval_elementwise,
    .elementwise = {thresholded<float>, thresholded<double>, thresholded_params},
    .to_mil = {thresholded_relu_to_mil, "greater, select: thresholded_relu keeps alpha itself"},
    .to_nn = {thresholded_relu_to_nn, "greaterThan, whereBroadcastable: thresholdedReLU keeps alpha itself"},
    .in_place = true,
};

}  // namespace assay::ops
