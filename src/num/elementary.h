// Elementary functions in bulk: SLEEF's deterministic 1.0-ULP versions, the same bits on every code path. Results that
// are NaN are canonical (0x7fc00000, 0x7ff8000000000000). The host's libm is never used: it differs between machines.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "num/format.h"

namespace assay::num {

enum class Function : uint8_t {
#define ASSAY_ELEMENTARY(name, float_ulp, double_ulp) name,
#include "num/elementary.def"
#undef ASSAY_ELEMENTARY
};

struct FunctionRow {
  Function function;
  std::string_view name;
  double float_ulp;   ///< bound on the error of the float form, in ULPs
  double double_ulp;  ///< of the double form
};
/// One row per function, in the order of the enumeration.
std::span<const FunctionRow> functions();
const FunctionRow& function_row(Function function);

/// y[i] = function(x[i]); x and y may be the same array.
void apply(Function function, const float* x, float* y, size_t n);
void apply(Function function, const double* x, double* y, size_t n);
/// y[i] = the float64 function of x[i], rounded once.
void apply_rounded(Function function, const float* x, float* y, size_t n, const Rounding& rounding);

/// z[i] = x[i] to the power of y[i]; z may be x or y.
void pow(const float* x, const float* y, float* z, size_t n);
void pow(const double* x, const double* y, double* z, size_t n);
/// z[i] = the remainder of x[i] / y[i] with the sign of x[i], exact; z may be x or y.
void fmod(const float* x, const float* y, float* z, size_t n);
void fmod(const double* x, const double* y, double* z, size_t n);

// One value; the same bits as the bulk forms.
float apply(Function function, float x);
double apply(Function function, double x);
float pow(float x, float y);
double pow(double x, double y);

}  // namespace assay::num
