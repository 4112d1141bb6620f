// A step with a narrower rounding is rounded once. Float32 results may be rounded again where the operands are numbers
// of a 16-bit format, whose results are exact or too far from the middle between two of its numbers to land there.
// Other operands (settings, scales: they have 24 bits) are computed in float64 and rounded to odd where that is not
// exact; no quotient or root of them lies nearer to such a middle than float64 can tell.
#pragma once
#include <cstddef>
#include <optional>

#include "num/arith_kernels.h"
#include "num/format.h"

namespace assay::num {

/// Whether all are normal numbers of the format, or zeros.
bool all_in(const Format& format, const float* x, size_t n);
inline bool all_in(const Format&, const double*, size_t) { return true; }  // float64s are rounded from what they are

inline constexpr size_t kMostOfAStep = 256;

/// raw::binary (of +, -, *, /) on at most kMostOfAStep elements; whether the results are rounded already.
template <class T>
bool binary_step(raw::Binary op, raw::Operand<T> a, raw::Operand<T> b, T* y, size_t n,
                 const std::optional<Rounding>& rounding);
template <class T>
bool sqrt_step(const T* a, T* y, size_t n, const std::optional<Rounding>& rounding);

}  // namespace assay::num
