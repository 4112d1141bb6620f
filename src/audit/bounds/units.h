// How far one rounding, and a sum of n terms, can be off: the constants of a running error analysis, always rounded up.
#pragma once
#include <cstdint>
#include <optional>

#include "ir/type.h"
#include "num/policy.h"

namespace assay::audit {

/// |rounded - x| <= u |x| + eta for |x| < max; beyond it nothing is known.
struct Unit {
  double u = 0, eta = 0, max = 0;
};
Unit unit_of(const num::Rounding& rounding);
/// Of two, one after the other.
Unit then(const Unit& first, const Unit& second);
/// One step of the arithmetic that an operation is computed in.
Unit step_unit(const num::Policy& policy);
/// A step that may be an elementary function: correctly rounded ones are rounded to the result's format.
Unit function_unit(const num::Policy& policy);
/// Operands below it may count as zero where the policy flushes subnormals.
double flushed_below(const num::Policy& policy);
/// How the result is rounded when it is stored; absent where the last step already gave a value of the storage.
std::optional<num::Rounding> stored_rounding(const num::Policy& policy, ir::ElemType storage);

/// |computed - sum p_i| <= g * sum |p_i| + eta, where p_i are n products or terms and up to `kExtra` more (bias, a
/// scale). Factors enter `g` with at least magnitude `tiny`: aligned sums cut by exponents, which subnormals do not
/// have.
struct SumError {
  double g = 0, eta = 0, tiny = 0, max = 0;
};
inline constexpr int64_t kExtra = 4;
/// In whatever order IEEE additions are made; other adders as their policy says. g is infinite where nothing is known.
SumError product_error(const num::Policy& policy, int64_t n);
SumError term_error(const num::Policy& policy, int64_t n);

/// More terms than this are not summed within the slack that covers the analysis' own float64 roundings.
inline constexpr int64_t kMostTerms = int64_t{1} << 20;
/// Of that: relative, added to every rounding (float64 centres), and factor of every radius.
inline constexpr double kCentre = 0x1p-50, kSlack = 0x1p-30;

}  // namespace assay::audit
