// Operators that are one elementary function, and sqrt.
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using num::Function;

template <class T, Function kFunction>
void function_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  arith.apply(kFunction, in[0], out, n);
}

template <class T>
void sqrt_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  arith.sqrt(in[0], out, n);
}

Status log_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit("log", {{"x", c.in(0)}, {"epsilon", c.number(0)}});
}

/// Compositions of logarithms and roots lose digits near 0 and 1 and overflow early.
constexpr Lowering<MilContext> kNoInverse{nullptr, "no operation computes it, and compositions are less exact"};
template <Word kType>
constexpr Lowering<MilContext> kMil{mil_function<kType>, kType.view()};
constexpr Lowering<MilContext> kLogMil{log_to_mil, "log"};
constexpr Lowering<NnContext> kExpNn{nn_unary<NnFunction::exp>, "unary EXP"};
constexpr Lowering<NnContext> kLogNn{nn_unary<NnFunction::log>, "unary LOG"};
template <Word kKind>
constexpr Lowering<NnContext> kNn{nn_function_layer<kKind>, kKind.view()};

/// Until 13 integers were taken, too: computed in float64 and cut.
Status erf_of_integers(UpgradeContext& c) {
  const ir::ElemType elem = c.op.has_input(0) ? c.type(0).elem : ir::ElemType::undefined;
  if (!ir::is_integer(elem) || c.op.outputs.size() != 1) return {};
  const ir::Type wide = ir::Type::tensor(ir::ElemType::float64);
  const auto cast = [](ir::ValueId from, ir::ElemType to) {
    ir::Op op{.domain = {}, .type = "Cast", .name = {}, .inputs = {from}};
    op.set_attr("to", static_cast<int64_t>(to));
    return op;
  };
  c.op.inputs[0] = c.insert_before(cast(c.op.inputs[0], ir::ElemType::float64), wide);
  const ir::ValueId result = c.op.outputs[0];
  c.op.outputs[0] = c.graph.add_value(c.graph.fresh_name(c.op.type), wide);
  ir::Op back = cast(c.op.outputs[0], elem);
  back.outputs = {result};
  c.after.push_back(std::move(back));
  return {};
}
constexpr Upgrade kErfUpgrades[] = {{13, erf_of_integers}};
constexpr std::span<const Upgrade> kNone{};

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};

template <Function kFunction>
constexpr Function kCalls[] = {kFunction};

}  // namespace

#define ASSAY_ROW(row, onnx, version, function, rules, mil, nn, sentence)                                   \
  extern const OpDef row = {                                                                                \
      .name = onnx,                                                                                         \
      .since = version,                                                                                     \
      .doc = sentence,                                                                                      \
      .in = kIn,                                                                                            \
      .out = kOut,                                                                                          \
      .numeric = Numeric::elementwise,                                                                      \
      .elementary = kCalls<Function::function>,                                                             \
      .upgrades = rules,                                                                                    \
      .infer = infer_same,                                                                                  \
      .eval = eval_elementwise,                                                                             \
      .elementwise = {function_span<float, Function::function>, function_span<double, Function::function>}, \
      .to_mil = mil,                                                                                        \
      .to_nn = nn,                                                                                          \
      .in_place = true,                                                                                     \
      .bound = {.f32 = 1.0},                                                                                \
  };
ASSAY_ROW(kAcos, "Acos", 22, acos, kNone, kMil<"acos">, kNn<"acos">, "The arc cosine.")
ASSAY_ROW(kAcosh, "Acosh", 22, acosh, kNone, kNoInverse, kNn<"acosh">, "The inverse hyperbolic cosine.")
ASSAY_ROW(kAsin, "Asin", 22, asin, kNone, kMil<"asin">, kNn<"asin">, "The arc sine.")
ASSAY_ROW(kAsinh, "Asinh", 22, asinh, kNone, kNoInverse, kNn<"asinh">, "The inverse hyperbolic sine.")
ASSAY_ROW(kAtan, "Atan", 22, atan, kNone, kMil<"atan">, kNn<"atan">, "The arc tangent.")
ASSAY_ROW(kAtanh, "Atanh", 22, atanh, kNone, kMil<"atanh">, kNn<"atanh">, "The inverse hyperbolic tangent.")
ASSAY_ROW(kCos, "Cos", 22, cos, kNone, kMil<"cos">, kNn<"cos">, "The cosine.")
ASSAY_ROW(kCosh, "Cosh", 22, cosh, kNone, kMil<"cosh">, kNn<"cosh">, "The hyperbolic cosine.")
ASSAY_ROW(kErf, "Erf", 13, erf, kErfUpgrades, kMil<"erf">, kNn<"erf">, "The error function.")
ASSAY_ROW(kExp, "Exp", 13, exp, kNone, kMil<"exp">, kExpNn, "The exponential function.")
ASSAY_ROW(kLog, "Log", 13, log, kNone, kLogMil, kLogNn, "The natural logarithm.")
ASSAY_ROW(kSin, "Sin", 22, sin, kNone, kMil<"sin">, kNn<"sin">, "The sine.")
ASSAY_ROW(kSinh, "Sinh", 22, sinh, kNone, kMil<"sinh">, kNn<"sinh">, "The hyperbolic sine.")
ASSAY_ROW(kTan, "Tan", 22, tan, kNone, kMil<"tan">, kNn<"tan">, "The tangent.")
ASSAY_ROW(kTanh, "Tanh", 13, tanh, kNone, kMil<"tanh">, kNn<"tanh">, "The hyperbolic tangent.")
#undef ASSAY_ROW

extern const OpDef kSqrt = {
    .name = "Sqrt",
    .since = 13,
    .doc = "The square root.",
    .in = kIn,
    .out = kOut,
    .numeric = Numeric::elementwise,
    .infer = infer_same,
    .eval = eval_elementwise,
    .elementwise = {sqrt_span<float>, sqrt_span<double>},
    .to_mil = kMil<"sqrt">,
    .to_nn = {nn_unary<NnFunction::sqrt>, "unary SQRT"},
    .in_place = true,
    .bound = {.f32 = 0.5},
};

}  // namespace assay::ops
