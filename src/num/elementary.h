// Elementary functions: SLEEF's deterministic 1.0-ULP ones, same bits for every vector width (docs/semantics.md 1).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assay::num {

enum class Function : uint8_t {
  exp,
  exp2,
  expm1,
  log,
  log2,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
};

struct FunctionRow {
  Function function;
  std::string_view name;
  double ulp;  ///< stated bound of the float32 and float64 forms
};
const FunctionRow& function_row(Function function);

/// y[i] = f(x[i]); x == y is allowed. NaN results are canonical (0x7fc00000, 0x7ff8000000000000).
void apply(Function function, const float* x, float* y, size_t n);
void apply(Function function, const double* x, double* y, size_t n);
void pow(const float* x, const float* y, float* z, size_t n);
void pow(const double* x, const double* y, double* z, size_t n);
void fmod(const float* x, const float* y, float* z, size_t n);
void fmod(const double* x, const double* y, double* z, size_t n);
float apply(Function function, float x);
double apply(Function function, double x);

}  // namespace assay::num
