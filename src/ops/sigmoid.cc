// Sigmoid and the activations built on it or on softplus. Each is computed as its body in ONNX writes it.
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/rules.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

using num::Function;

template <class T>
void sigmoid(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) { sigmoid_block(arith, in[0] + i, out + i, m); });
}

template <class T>
void swish(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) { swish_block(arith, T(params[0]), in[0] + i, out + i, m); });
}
void swish_params(const ir::Op& op, float* params) { params[0] = op.attr_float("alpha", 1.0f); }

// max(min(alpha * x + beta, 1), 0)
template <class T>
void hard_block(const num::Arith<T>& arith, T alpha, T beta, const T* x, T* y, size_t n) {
  arith.mul(x, alpha, y, n);
  arith.add(y, beta, y, n);
  arith.min(y, T(1), y, n);
  arith.max(y, T(0), y, n);
}
template <class T>
void hard_sigmoid(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  hard_block(arith, T(params[0]), T(params[1]), in[0], out, n);
}
void hard_sigmoid_params(const ir::Op& op, float* params) {
  params[0] = op.attr_float("alpha", 0.2f);
  params[1] = op.attr_float("beta", 0.5f);
}
template <class T>
void hard_swish(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    hard_block(arith, T(1.0f / 6.0f), T(0.5), in[0] + i, t, m);
    arith.mul(in[0] + i, t, out + i, m);
  });
}

// log(exp(x) + 1)
template <class T>
void softplus_span(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  arith.apply(Function::exp, x, y, n);
  arith.add(y, T(1), y, n);
  arith.apply(Function::log, y, y, n);
}
template <class T>
void softplus(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  softplus_span(arith, in[0], out, n);
}
template <class T>
void mish(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    softplus_span(arith, in[0] + i, t, m);
    arith.apply(Function::tanh, t, t, m);
    arith.mul(in[0] + i, t, out + i, m);
  });
}
template <class T>
void softsign(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    arith.abs(in[0] + i, t, m);
    arith.add(t, T(1), t, m);
    arith.div(in[0] + i, t, out + i, m);
  });
}

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kNone[] = {{"", ""}};
constexpr std::span<const AttrDoc> kNoAttrs = std::span(kNone).first(0);
constexpr AttrDoc kSwishAttrs[] = {{"alpha", "1"}};
constexpr AttrDoc kHardAttrs[] = {{"alpha", "0.2"}, {"beta", "0.5"}};
constexpr Function kExpOnly[] = {Function::exp};
constexpr Function kSoftplusCalls[] = {Function::exp, Function::log};
constexpr Function kMishCalls[] = {Function::exp, Function::log, Function::tanh};
constexpr std::span<const Function> kNoCalls = std::span(kExpOnly).first(0);

constexpr Lowering<MilContext> kHardSigmoidMil{hard_sigmoid_to_mil, "sigmoid_hard"};
constexpr Lowering<MilContext> kHardSwishMil{hard_swish_to_mil, "sigmoid_hard, mul"};
constexpr Lowering<MilContext> kMishMil{mish_to_mil, "exp, add, log (float16: softplus), tanh, mul"};
constexpr Lowering<MilContext> kSigmoidMil{mil_function<"sigmoid">, "sigmoid"};
constexpr Lowering<MilContext> kSoftplusMil{softplus_to_mil,
                                            "exp, add, log: softplus keeps large x; float16: softplus"};
constexpr Lowering<MilContext> kSoftsignMil{mil_function<"softsign">, "softsign"};
constexpr Lowering<MilContext> kSwishMil{swish_to_mil, "silu; else mul, sigmoid, mul"};
constexpr Lowering<NnContext> kHardSigmoidNn{hard_sigmoid_to_nn, "activation sigmoidHard"};
constexpr Lowering<NnContext> kHardSwishNn{hard_swish_to_nn, "activation sigmoidHard, multiplyBroadcastable"};
constexpr Lowering<NnContext> kMishNn{mish_to_nn, "activation softplus, tanh, multiplyBroadcastable"};
constexpr Lowering<NnContext> kSigmoidNn{nn_float_activation<"sigmoid">, "activation sigmoid"};
constexpr Lowering<NnContext> kSoftplusNn{softplus_to_nn, "activation softplus, which keeps large x"};
constexpr Lowering<NnContext> kSoftsignNn{nn_float_activation<"softsign">, "activation softsign"};
constexpr Lowering<NnContext> kSwishNn{swish_to_nn, "activation sigmoid, multiplyBroadcastable"};

}  // namespace

#define ASSAY_ROW(row, onnx, version, function, attributes, reader, calls, ulp, sentence) \
  extern const OpDef row = {                                                              \
      .name = onnx,                                                                       \
      .since = version,                                                                   \
      .doc = sentence,                                                                    \
      .in = kIn,                                                                          \
      .out = kOut,                                                                        \
      .attrs = attributes,                                                                \
      .numeric = Numeric::elementwise,                                                    \
      .elementary = calls,                                                                \
      .infer = infer_same,                                                                \
      .eval = eval_elementwise,                                                           \
      .elementwise = {function<float>, function<double>, reader},                         \
      .to_mil = row##Mil,                                                                 \
      .to_nn = row##Nn,                                                                   \
      .in_place = true,                                                                   \
      .bound = {.f32 = ulp},                                                              \
  };
ASSAY_ROW(kHardSigmoid, "HardSigmoid", 22, hard_sigmoid, kHardAttrs, hard_sigmoid_params, kNoCalls, 2,
          "max(0, min(1, alpha * x + beta)).")
ASSAY_ROW(kHardSwish, "HardSwish", 22, hard_swish, kNoAttrs, nullptr, kNoCalls, 3, "x * HardSigmoid(x), alpha 1/6.")
ASSAY_ROW(kMish, "Mish", 22, mish, kNoAttrs, nullptr, kMishCalls, 8, "x * tanh(softplus(x)).")
ASSAY_ROW(kSigmoid, "Sigmoid", 13, sigmoid, kNoAttrs, nullptr, kExpOnly, 3, "1 / (1 + exp(-x)).")
ASSAY_ROW(kSoftplus, "Softplus", 22, softplus, kNoAttrs, nullptr, kSoftplusCalls, 4, "log(exp(x) + 1).")
ASSAY_ROW(kSoftsign, "Softsign", 22, softsign, kNoAttrs, nullptr, kNoCalls, 2, "x / (1 + |x|).")
ASSAY_ROW(kSwish, "Swish", 24, swish, kSwishAttrs, swish_params, kExpOnly, 4, "x * sigmoid(alpha * x).")
#undef ASSAY_ROW

}  // namespace assay::ops
