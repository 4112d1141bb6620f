// Vector loops of the epilogue over a hot run of outputs, which has room for whole vectors.
#pragma once
#include <cstddef>

namespace assay::ops::contraction {

/// values[i] = values[i] + bias[i] (or the one bias), NaN made canonical.
void add_run(float* values, const float* bias, size_t n);
void add_run(double* values, const double* bias, size_t n);
void add_one(float* values, float bias, size_t n);
void add_one(double* values, double bias, size_t n);
/// NaN made canonical, nothing else.
void canonical_nans(float* values, size_t n);
void canonical_nans(double* values, size_t n);

}  // namespace assay::ops::contraction
