// Codes of 8 bits in Core ML: whole numbers in float32, which holds them and sums of them below 2^24 exactly. What
// quantised operators are made of in both formats.
#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "ops/lower/rules.h"
#include "ops/lower/steps.h"

namespace assay::ops {

inline constexpr int64_t kExactSum = int64_t{1} << 24;  ///< float32 holds every whole number up to it
inline constexpr char kComputedParameter[] = "a scale or zero point that is computed, or not one number";

/// Steps stay float32 where float16 was asked for.
inline void stay_single(MilContext& c) { c.keep_single("float16 does not hold codes and their sums exactly"); }
inline void stay_single(NnContext&) {}

/// Operand `i`, codes, as floats.
template <class S>
typename S::Value whole_numbers(S& s, size_t i) {
  if (const ir::Tensor* known = s.c.constant(i)) {
    std::vector<float> values(static_cast<size_t>(known->size()));
    for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(known->float_at(static_cast<int64_t>(k)));
    return s.floats(values, known->rank() == 0 ? ir::Dims{1} : known->dims());
  }
  if constexpr (std::is_same_v<S, MilSteps>) {
    return s.c.cast(s.in(i), mil::DataType::float32);
  } else {
    return s.in(i);
  }
}

/// The constant number at input `i`; 0 where it is absent.
template <class C>
Result<float> fixed_number(const C& c, size_t i) {
  if (!c.has(i)) return 0.0F;
  const ir::Tensor* known = c.constant(i);
  if (known == nullptr || known->size() != 1) return c.refuse(kComputedParameter);
  return static_cast<float>(known->float_at(0));
}

/// The constant numbers at input `i`: one, or `count`.
template <class C>
Result<std::vector<float>> fixed_numbers(const C& c, size_t i, int64_t count) {
  std::vector<float> out;
  if (!c.has(i)) return std::vector<float>{0};
  const ir::Tensor* known = c.constant(i);
  if (known == nullptr || (known->size() != 1 && known->size() != count)) return c.refuse(kComputedParameter);
  for (int64_t k = 0; k < known->size(); ++k) out.push_back(static_cast<float>(known->float_at(k)));
  return out;
}

/// A scale by which something is divided.
template <class C>
Result<float> fixed_divisor(const C& c, size_t i) {
  ASSAY_TRY(const float scale, fixed_number(c, i));
  if (!std::isnormal(scale)) return c.refuse("a scale of " + std::to_string(scale));
  return scale;
}

template <class S>
typename S::Value minus(S& s, const typename S::Value& x, float zero) {
  return zero == 0 ? x : s.add(x, static_cast<double>(-zero));
}

inline MilValue divided(MilSteps& s, const MilValue& x, float by) { return s.c.binary("real_div", x, by); }
inline std::string divided(NnSteps& s, const std::string& x, float by) { return s.div(x, s.c.number(by)); }

/// The operation's result: quotients to the nearest integer, ties to even, plus zero point, saturated.
inline Status codes_result(MilSteps& s, const MilValue& quotients, float zero) {
  const bool is_signed = s.c.out_type().elem == ir::ElemType::int8;
  MilValue y = minus(s, s.c.unary("round", quotients), -zero);
  y = s.c.make("clip",
               {{"x", y}, {"alpha", s.c.number(is_signed ? -128 : 0)}, {"beta", s.c.number(is_signed ? 127 : 255)}},
               y.type);
  return s.c.result(s.c.cast(y, is_signed ? mil::DataType::int8 : mil::DataType::uint8));
}
inline Status codes_result(NnSteps& s, const std::string& quotients, float zero) {
  const bool is_signed = s.c.out_type().elem == ir::ElemType::int8;
  const std::string y = minus(s, nn_rounded(s.c, quotients), -zero);
  return s.c.layer("clip", {y},
                   s.c.params("clip").set("minVal", is_signed ? -128.0 : 0.0).set("maxVal", is_signed ? 127.0 : 255.0));
}

/// What a code may be away from a zero point.
inline double reach_of(ir::ElemType codes, float zero) {
  const double low = codes == ir::ElemType::int8 ? -128 : 0;
  return std::max(std::abs(low - zero), std::abs(low + 255 - zero));
}

}  // namespace assay::ops
