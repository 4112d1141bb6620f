// Operators that are one elementary function, and sqrt.
#include "ops/elementwise.h"
#include "ops/infer.h"

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

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};

template <Function kFunction>
constexpr Function kCalls[] = {kFunction};

}  // namespace

#define ASSAY_ROW(row, onnx, version, function, sentence)                                                   \
  extern const OpDef row = {                                                                                \
      .name = onnx,                                                                                         \
      .since = version,                                                                                     \
      .doc = sentence,                                                                                      \
      .in = kIn,                                                                                            \
      .out = kOut,                                                                                          \
      .numeric = Numeric::elementwise,                                                                      \
      .elementary = kCalls<Function::function>,                                                             \
      .infer = infer_same,                                                                                  \
      .eval = eval_elementwise,                                                                             \
      .elementwise = {function_span<float, Function::function>, function_span<double, Function::function>}, \
      .in_place = true,                                                                                     \
      .bound = {.f32 = 1.0},                                                                                \
  };
ASSAY_ROW(kAcos, "Acos", 22, acos, "The arc cosine.")
ASSAY_ROW(kAcosh, "Acosh", 22, acosh, "The inverse hyperbolic cosine.")
ASSAY_ROW(kAsin, "Asin", 22, asin, "The arc sine.")
ASSAY_ROW(kAsinh, "Asinh", 22, asinh, "The inverse hyperbolic sine.")
ASSAY_ROW(kAtan, "Atan", 22, atan, "The arc tangent.")
ASSAY_ROW(kAtanh, "Atanh", 22, atanh, "The inverse hyperbolic tangent.")
ASSAY_ROW(kCos, "Cos", 22, cos, "The cosine.")
ASSAY_ROW(kCosh, "Cosh", 22, cosh, "The hyperbolic cosine.")
ASSAY_ROW(kErf, "Erf", 13, erf, "The error function.")
ASSAY_ROW(kExp, "Exp", 13, exp, "The exponential function.")
ASSAY_ROW(kLog, "Log", 13, log, "The natural logarithm.")
ASSAY_ROW(kSin, "Sin", 22, sin, "The sine.")
ASSAY_ROW(kSinh, "Sinh", 22, sinh, "The hyperbolic sine.")
ASSAY_ROW(kTan, "Tan", 22, tan, "The tangent.")
ASSAY_ROW(kTanh, "Tanh", 13, tanh, "The hyperbolic tangent.")
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
    .in_place = true,
    .bound = {.f32 = 0.5},
};

}  // namespace assay::ops
