// Core ML's elementwise operators that ONNX has no single operator for. Steps are taken in the order of the formulas.
#include <cmath>

#include "num/elementary.h"
#include "ops/divisors.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/rules.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

using num::Function;

void alpha_beta(const ir::Op& op, float* params) {
  params[0] = op.attr_float("alpha", 1);
  params[1] = op.attr_float("beta", 0);
}
void epsilon(const ir::Op& op, float* params) { params[0] = op.attr_float("epsilon", 0); }

// min(x < 0 ? alpha * x : x, beta)
template <class T>
void clamped(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    arith.mul(in[0] + i, T(params[0]), t, m);
    arith.select_negative(in[0] + i, t, in[0] + i, t, m);
    arith.min(t, T(params[1]), out + i, m);
  });
}

// x < alpha ? 0 : x
template <class T>
void thresholded(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  const T alpha = T(params[0]);
  arith.add(in[0], T(0), out, n);  // NaN becomes the canonical one
  for (size_t i = 0; i < n; ++i) out[i] = out[i] < alpha ? T(0) : out[i];
}

// alpha * x + beta
template <class T>
void linear(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  arith.mul(in[0], T(params[0]), out, n);
  arith.add(out, T(params[1]), out, n);
}

// alpha * tanh(beta * x)
template <class T>
void scaled_tanh(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  arith.mul(in[0], T(params[1]), out, n);
  arith.apply(Function::tanh, out, out, n);
  arith.mul(out, T(params[0]), out, n);
}

// 1 / (x + epsilon), log(x + epsilon), 1 / sqrt(x + epsilon)
template <class T>
void inverse(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  arith.add(in[0], T(params[0]), out, n);
  arith.div(T(1), out, out, n);
}
template <class T>
void log_of(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  arith.add(in[0], T(params[0]), out, n);
  arith.apply(Function::log, out, out, n);
}
template <class T>
void rsqrt(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  arith.add(in[0], T(params[0]), out, n);
  arith.sqrt(out, out, n);
  arith.div(T(1), out, out, n);
}

// log(1 + exp(-|x|)) + max(x, 0): no exponential overflows.
template <class T>
void softplus_block(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  T t[kBlock];
  arith.abs(x, t, n);
  arith.neg(t, t, n);
  arith.apply(Function::exp, t, t, n);
  arith.add(t, T(1), t, n);
  arith.apply(Function::log, t, t, n);
  arith.max(x, T(0), y, n);
  arith.add(t, y, y, n);
}
template <class T>
void softplus(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) { softplus_block(arith, in[0] + i, out + i, m); });
}
// alpha * softplus(beta * x)
template <class T>
void parametric(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    arith.mul(in[0] + i, in[2] + i, t, m);
    softplus_block(arith, t, t, m);
    arith.mul(in[1] + i, t, out + i, m);
  });
}

/// What Python's divmod gives of numbers that are neither zero below nor infinite above: the remainder has the
/// divisor's sign. `r` is fmod(a, b).
template <class T>
bool differs(T r, T b) {
  return r != 0 && (r < 0) != (b < 0);
}

template <class T>
void mod(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T r[kBlock];
    num::fmod(in[0] + i, in[1] + i, r, m);
    for (size_t k = 0; k < m; ++k) {
      const T b = in[1][i + k];
      r[k] = differs(r[k], b) ? r[k] + b : r[k] == 0 ? std::copysign(T(0), b) : r[k];
    }
    arith.step(r, m);
    std::copy_n(r, m, out + i);
  });
}

/// The quotient rounded to minus infinity, exactly: (a - r) / b differs from it by less than a half.
template <class T>
T floor_quotient(T a, T b, T r) {
  if (b == 0) return a / b;
  T quotient = (a - r) / b;
  if (differs(r, b)) quotient -= 1;
  if (quotient == 0) return std::copysign(T(0), a / b);
  const T floor = std::floor(quotient);
  return quotient - floor > T(0.5) ? floor + 1 : floor;
}
template <class T>
void floor_div(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T r[kBlock];
    num::fmod(in[0] + i, in[1] + i, r, m);
    for (size_t k = 0; k < m; ++k) r[k] = floor_quotient(in[0][i + k], in[1][i + k], r[k]);
    arith.add(r, T(0), out + i, m);
  });
}
void floor_div_int(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const int64_t a = in[0][i], b = in[1][i];
    if (b == -1)
      out[i] = static_cast<int64_t>(-static_cast<uint64_t>(a));
    else
      out[i] = a / b - (a % b != 0 && (a < 0) != (b < 0));
  }
}
void floor_div_uint(const float*, const uint64_t* const* in, uint64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = in[0][i] / in[1][i];
}
Status eval_division(KernelContext& c) {
  ASSAY_CHECK(check_divisors(c));
  return eval_elementwise(c);
}

/// An epsilon that float16 would make zero keeps float32, which operators take since iOS17.
Status epsilon_to_mil(MilContext& c, std::string_view type) {
  ASSAY_CHECK(mil_takes_floats(c));
  const float value = c.op.attr_float("epsilon", 0);
  mil::Value own = c.number(value);
  if (value != 0 && own.floats() == std::vector<double>{0}) {
    c.need(8, "an epsilon of another type than the values");
    own = mil::of_float(value);
  }
  return c.emit(type, {{"x", c.in(0)}, {"epsilon", std::move(own)}});
}
template <Word kType>
Status with_epsilon(MilContext& c) {
  return epsilon_to_mil(c, kType.view());
}
template <Word kType>
Status with_alpha(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit(kType.view(), {{"x", c.in(0)}, {"alpha", c.number(c.op.attr_float("alpha", 1))}});
}
template <Word kType>
Status with_alpha_beta(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit(kType.view(), {{"x", c.in(0)},
                               {"alpha", c.number(c.op.attr_float("alpha", 1))},
                               {"beta", c.number(c.op.attr_float("beta", 0))}});
}

/// Constants with one number for each of x's channels, which lie along axis 1.
Status parametric_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  MilParams params = {{"x", c.in(0)}};
  for (const size_t i : {size_t{1}, size_t{2}}) {
    const ir::Tensor* known = c.constant(i);
    const int64_t channels = c.dim(0, 1);
    if (known == nullptr || c.rank(0) < 3 || known->rank() != c.rank(0) - 1 || known->size() != channels ||
        known->dims()[0] != channels)
      return c.refuse("alpha and beta are no constants with a number for each channel");
    std::vector<float> values;
    for (int64_t k = 0; k < channels; ++k) values.push_back(static_cast<float>(known->float_at(k)));
    params.push_back({i == 1 ? "alpha" : "beta", c.numbers(values)});
  }
  return c.emit("softplus_parametric", params);
}

constexpr In kIn[] = {{"x", kFloats}};
constexpr In kBinaryIn[] = {{"x", kFloats}, {"y", kFloats}};
constexpr In kNumbersIn[] = {{"x", kNumbers}, {"y", kNumbers}};
constexpr In kParametricIn[] = {{"x", kFloats}, {"alpha", kFloats}, {"beta", kFloats}};
constexpr Out kOut[] = {{"y"}};
constexpr AttrDoc kAlpha[] = {{"alpha", ""}};
constexpr AttrDoc kAlphaBeta[] = {{"alpha", ""}, {"beta", ""}};
constexpr AttrDoc kEpsilon[] = {{"epsilon", ""}};
constexpr std::span<const AttrDoc> kNoAttrs{};
constexpr Function kTanhOnly[] = {Function::tanh};
constexpr Function kLogOnly[] = {Function::log};
constexpr Function kSoftplusCalls[] = {Function::exp, Function::log};
constexpr std::span<const Function> kNoCalls{};

}  // namespace

#define ASSAY_ROW(row, coreml, operands, rule, run, function, attributes, reader, calls, ulp, lowering, says, \
                  to_layer, layer, sentence)                                                                  \
  extern const OpDef row = {                                                                                  \
      .domain = "coreml",                                                                                     \
      .name = coreml,                                                                                         \
      .since = 1,                                                                                             \
      .doc = sentence,                                                                                        \
      .in = operands,                                                                                         \
      .out = kOut,                                                                                            \
      .attrs = attributes,                                                                                    \
      .numeric = Numeric::elementwise,                                                                        \
      .elementary = calls,                                                                                    \
      .infer = rule,                                                                                          \
      .eval = run,                                                                                            \
      .elementwise = {function<float>, function<double>, reader},                                             \
      .to_mil = {lowering, says},                                                                             \
      .to_nn = {to_layer, layer},                                                                             \
      .in_place = true,                                                                                       \
      .bound = {.f32 = ulp},                                                                                  \
  };
#define ASSAY_UNARY(row, coreml, function, attributes, reader, calls, ulp, lowering, says, to_layer, layer, sentence) \
  ASSAY_ROW(row, coreml, kIn, infer_same, eval_elementwise, function, attributes, reader, calls, ulp, lowering, says, \
            to_layer, layer, sentence)
ASSAY_UNARY(kCoremlClampedRelu, "ClampedRelu", clamped, kAlphaBeta, alpha_beta, kNoCalls, 0.5,
            with_alpha_beta<"clamped_relu">, "clamped_relu", clamped_relu_to_nn, "clampedReLU",
            "min(x < 0 ? alpha * x : x, beta).")
ASSAY_UNARY(kCoremlInverse, "Inverse", inverse, kEpsilon, epsilon, kNoCalls, 1e6, with_epsilon<"inverse">, "inverse",
            inverse_to_nn, "unary INVERSE", "1 / (x + epsilon).")
ASSAY_UNARY(kCoremlLinearActivation, "LinearActivation", linear, kAlphaBeta, alpha_beta, kNoCalls, 1e6,
            with_alpha_beta<"linear_activation">, "linear_activation", nn_activation_of<"linear">, "activation linear",
            "alpha * x + beta.")
ASSAY_UNARY(kCoremlLog, "Log", log_of, kEpsilon, epsilon, kLogOnly, 1e6, with_epsilon<"log">, "log", log_to_nn,
            "unary LOG", "log(x + epsilon).")
ASSAY_ROW(kCoremlMod, "Mod", kBinaryIn, infer_broadcast, eval_elementwise, mod, kNoAttrs, nullptr, kNoCalls, 1e6,
          mil_arithmetic<"mod">, "mod", nn_arithmetic<"modBroadcastable">, "modBroadcastable",
          "The remainder of a division that rounds down: it has the divisor's sign.")
ASSAY_ROW(kCoremlParametricSoftplus, "ParametricSoftplus", kParametricIn, infer_broadcast, eval_elementwise, parametric,
          kNoAttrs, nullptr, kSoftplusCalls, 1e6, parametric_to_mil, "softplus_parametric", parametric_softplus_to_nn,
          "activation parametricSoftplus", "alpha * log(1 + exp(beta * x)), without overflow.")
ASSAY_UNARY(kCoremlRsqrt, "Rsqrt", rsqrt, kEpsilon, epsilon, kNoCalls, 1e6, with_epsilon<"rsqrt">, "rsqrt", rsqrt_to_nn,
            "unary RSQRT", "1 / sqrt(x + epsilon).")
ASSAY_UNARY(kCoremlScaledTanh, "ScaledTanh", scaled_tanh, kAlphaBeta, alpha_beta, kTanhOnly, 4,
            with_alpha_beta<"scaled_tanh">, "scaled_tanh", nn_activation_of<"scaledTanh">, "activation scaledTanh",
            "alpha * tanh(beta * x).")
ASSAY_UNARY(kCoremlSoftplus, "Softplus", softplus, kNoAttrs, nullptr, kSoftplusCalls, 1e6, mil_function<"softplus">,
            "softplus", nn_float_activation<"softplus">, "activation softplus",
            "log(1 + exp(-|x|)) + max(x, 0): no exponential overflows.")
ASSAY_UNARY(kCoremlThresholdedRelu, "ThresholdedRelu", thresholded, kAlpha, alpha_beta, kNoCalls, 0.5,
            with_alpha<"thresholded_relu">, "thresholded_relu", nn_activation_of<"thresholdedReLU">,
            "activation thresholdedReLU", "0 where x is less than alpha, else x.")
#undef ASSAY_UNARY
#undef ASSAY_ROW

extern const OpDef kCoremlFloorDiv = {
    .domain = "coreml",
    .name = "FloorDiv",
    .since = 1,
    .doc = "The quotient rounded down.",
    .in = kNumbersIn,
    .out = kOut,
    .numeric = Numeric::elementwise,
    .infer = infer_broadcast,
    .eval = eval_division,
    .elementwise = {floor_div<float>, floor_div<double>, nullptr, floor_div_int, floor_div_uint},
    .to_mil = {mil_arithmetic<"floor_div">, "floor_div"},
    .to_nn = {nn_arithmetic<"floorDivBroadcastable">, "floorDivBroadcastable"},
    .in_place = true,
    .bound = {.f32 = 0.5},
};

}  // namespace assay::ops
