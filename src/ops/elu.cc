// Elu and its relatives, and Shrink: as their bodies in ONNX write them.
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/span.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using num::Function;

// x < 0 ? alpha * (exp(x) - 1) : x
template <class T>
void elu_block(const num::Arith<T>& arith, T alpha, const T* x, T* y, size_t n) {
  T t[kBlock];
  arith.apply(Function::exp, x, t, n);
  arith.sub(t, T(1), t, n);
  arith.mul(t, alpha, t, n);
  arith.select_negative(x, t, x, y, n);
}
template <class T>
void elu(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) { elu_block(arith, T(params[0]), in[0] + i, out + i, m); });
}
template <class T>
void celu(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    arith.div(in[0] + i, T(params[0]), t, m);
    elu_block(arith, T(1), t, t, m);
    arith.mul(t, T(params[0]), out + i, m);
  });
}
template <class T>
void selu(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  const T alpha = T(params[0]), gamma = T(params[1]);
  for_blocks(n, [&](size_t i, size_t m) {
    T negative[kBlock], positive[kBlock];
    arith.apply(Function::exp, in[0] + i, negative, m);
    arith.mul(negative, alpha, negative, m);
    arith.sub(negative, alpha, negative, m);
    arith.mul(negative, gamma, negative, m);
    arith.mul(in[0] + i, gamma, positive, m);
    arith.select_negative(in[0] + i, negative, positive, out + i, m);
  });
}

void alpha_param(const ir::Op& op, float* params) { params[0] = op.attr_float("alpha", 1.0f); }
void selu_params(const ir::Op& op, float* params) {
  params[0] = op.attr_float("alpha", 1.67326319217681884765625f);
  params[1] = op.attr_float("gamma", 1.05070102214813232421875f);
}
// Before 6 the defaults had fewer digits.
Status selu_old_defaults(UpgradeContext& c) {
  if (!c.op.has_attr("alpha")) c.op.set_attr("alpha", 1.6732f);
  if (!c.op.has_attr("gamma")) c.op.set_attr("gamma", 1.0507f);
  return {};
}
constexpr Upgrade kSeluUpgrades[] = {{6, selu_old_defaults}};

// x < -lambd ? x + bias : lambd < x ? x - bias : 0
template <class T>
void shrink(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  const T bias = T(params[0]), lambda = T(params[1]);
  for_blocks(n, [&](size_t i, size_t m) {
    const T* x = in[0] + i;
    T low[kBlock], high[kBlock];
    arith.add(x, bias, low, m);
    arith.sub(x, bias, high, m);
    for (size_t k = 0; k < m; ++k) out[i + k] = x[k] < -lambda ? low[k] : lambda < x[k] ? high[k] : T(0);
  });
}
void shrink_int(const float* params, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const auto x = static_cast<float>(in[0][i]);
    const float y = x < -params[1] ? x + params[0] : params[1] < x ? x - params[0] : 0.0f;
    out[i] = static_cast<int64_t>(y);
  }
}
void shrink_params(const ir::Op& op, float* params) {
  params[0] = op.attr_float("bias", 0.0f);
  params[1] = op.attr_float("lambd", 0.5f);
}

Status elu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit("elu", {{"x", c.in(0)}, {"alpha", c.number(c.op.attr_float("alpha", 1.0f))}});
}
mil::Message elu_params(float alpha) {
  mil::Message params = NnContext::params("activation");
  params.set("ELU", params.make("ELU").set("alpha", double{alpha}));
  return params;
}
Status elu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.layer("activation", {c.in(0)}, elu_params(c.op.attr_float("alpha", 1.0f)));
}

Status celu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const float alpha = c.op.attr_float("alpha", 1.0f);
  if (alpha == 1) return elu_to_mil(c);
  const MilValue scaled = c.binary("real_div", c.in(0), alpha);
  const MilValue y = c.make("elu", {{"x", scaled}, {"alpha", c.number(1)}}, scaled.type);
  return c.emit("mul", {{"x", y}, {"y", c.number(alpha)}});
}
Status celu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const float alpha = c.op.attr_float("alpha", 1.0f);
  if (alpha == 1) return elu_to_nn(c);
  const std::string scaled = c.make("divideBroadcastable", {c.in(0), c.number(alpha)});
  return c.layer("multiplyBroadcastable", {c.make("activation", {scaled}, elu_params(1)), c.number(alpha)});
}

// Step by step: gamma * elu would round elsewhere.
Status selu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  float p[2];
  selu_params(c.op, p);
  const MilValue x = c.in(0), scaled = c.binary("mul", c.unary("exp", x), p[0]);
  const MilValue negative = c.binary("mul", c.binary("sub", scaled, p[0]), p[1]);
  const MilValue positive = c.binary("mul", x, p[1]);
  const MilValue below = c.compare("less", x, c.constant_value(c.number(0)));
  return c.emit("select", {{"cond", below}, {"a", negative}, {"b", positive}});
}
Status selu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  float p[2];
  selu_params(c.op, p);
  const std::string x = c.in(0), alpha = c.number(p[0]), gamma = c.number(p[1]);
  const std::string scaled = c.make("multiplyBroadcastable", {nn_function(c, NnFunction::exp, x), alpha});
  const std::string shifted = c.make("subtractBroadcastable", {scaled, alpha});
  const std::string negative = c.make("multiplyBroadcastable", {shifted, gamma});
  const std::string positive = c.make("multiplyBroadcastable", {x, gamma});
  return c.layer("whereBroadcastable", {nn_against(c, "lessThan", x, 0), negative, positive});
}

Status shrink_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  float p[2];
  shrink_params(c.op, p);
  const MilValue x = c.in(0), zero = c.constant_value(c.number(0));
  const MilValue above = c.compare("greater", x, c.constant_value(c.number(p[1])));
  const MilValue below = c.compare("less", x, c.constant_value(c.number(-p[1])));
  const MilValue rest = c.select(above, c.binary("sub", x, p[0]), zero);
  return c.emit("select", {{"cond", below}, {"a", c.binary("add", x, p[0])}, {"b", rest}});
}
Status shrink_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  float p[2];
  shrink_params(c.op, p);
  const std::string x = c.in(0), bias = c.number(p[0]);
  const std::string above = nn_against(c, "greaterThan", x, p[1]), below = nn_against(c, "lessThan", x, -p[1]);
  const std::string less = c.make("subtractBroadcastable", {x, bias}), zero = c.number(0);
  const std::string rest = nn_where(c, above, less, zero);
  return c.layer("whereBroadcastable", {below, c.make("addBroadcastable", {x, bias}), rest});
}

constexpr Lowering<MilContext> kCeluMil{celu_to_mil, "real_div, elu, mul"}, kEluMil{elu_to_mil, "elu"};
constexpr Lowering<NnContext> kEluNn{elu_to_nn, "activation ELU"};
constexpr Lowering<NnContext> kCeluNn{celu_to_nn, "divideBroadcastable, activation ELU, multiplyBroadcastable"};

constexpr In kIn[] = {{"X", kFloats}};
constexpr In kShrinkIn[] = {{"input", kNumbers}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAlphaAttrs[] = {{"alpha", "1"}};
constexpr AttrDoc kSeluAttrs[] = {{"alpha", "1.6732632"}, {"gamma", "1.050701"}};
constexpr AttrDoc kShrinkAttrs[] = {{"bias", "0"}, {"lambd", "0.5"}};
constexpr Function kExpOnly[] = {Function::exp};

}  // namespace

#define ASSAY_ROW(row, onnx, version, function, attributes, reader, sentence) \
  extern const OpDef row = {                                                  \
      .name = onnx,                                                           \
      .since = version,                                                       \
      .doc = sentence,                                                        \
      .in = kIn,                                                              \
      .out = kOut,                                                            \
      .attrs = attributes,                                                    \
      .numeric = Numeric::elementwise,                                        \
      .elementary = kExpOnly,                                                 \
      .infer = infer_same,                                                    \
      .eval = eval_elementwise,                                               \
      .elementwise = {function<float>, function<double>, reader},             \
      .to_mil = row##Mil,                                                     \
      .to_nn = row##Nn,                                                       \
      .in_place = true,                                                       \
      .bound = {.f32 = 1e6}, /* exp(x) - 1 cancels near 0 */                  \
  };
ASSAY_ROW(kCelu, "Celu", 28, celu, kAlphaAttrs, alpha_param, "alpha * Elu(x / alpha).")
ASSAY_ROW(kElu, "Elu", 22, elu, kAlphaAttrs, alpha_param, "alpha * (exp(x) - 1) for negative x, else x.")
#undef ASSAY_ROW

extern const OpDef kSelu = {
    .name = "Selu",
    .since = 22,
    .doc = "gamma * (alpha * exp(x) - alpha) for negative x, else gamma * x.",
    .in = kIn,
    .out = kOut,
    .attrs = kSeluAttrs,
    .numeric = Numeric::elementwise,
    .elementary = kExpOnly,
    .upgrades = kSeluUpgrades,
    .infer = infer_same,
    .eval = eval_elementwise,
    .elementwise = {selu<float>, selu<double>, selu_params},
    .to_mil = {selu_to_mil, "exp, mul, sub, less, select"},
    .to_nn = {selu_to_nn, "unary EXP, arithmetic, lessThan, whereBroadcastable"},
    .in_place = true,
    .bound = {.f32 = 1e6},
};

extern const OpDef kShrink = {
    .name = "Shrink",
    .since = 9,
    .doc = "x + bias below -lambd, x - bias above lambd, 0 between.",
    .in = kShrinkIn,
    .out = kOut,
    .attrs = kShrinkAttrs,
    .numeric = Numeric::elementwise,
    .infer = infer_same,
    .eval = eval_elementwise,
    .elementwise = {shrink<float>, shrink<double>, shrink_params, shrink_int},
    .to_mil = {shrink_to_mil, "add, sub, comparisons, select"},
    .to_nn = {shrink_to_nn, "addBroadcastable, subtractBroadcastable, comparisons, whereBroadcastable"},
    .in_place = true,
    .bound = {.f32 = 0.5},
};

}  // namespace assay::ops
