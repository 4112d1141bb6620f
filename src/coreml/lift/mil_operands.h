// Steps that several families of ML Program lifts share.
#pragma once
#include <string_view>

#include "coreml/lift/mil.h"

namespace assay::coreml {

/// A parameter in the element type of `x`: since iOS17 weights may be of another floating-point type.
inline ValueId in_like(MilLift& c, std::string_view parameter, ValueId x) { return c.cast(c.in(parameter), c.elem(x)); }
inline ValueId optional_in_like(MilLift& c, std::string_view parameter, ValueId x) {
  return c.has(parameter) ? in_like(c, parameter, x) : ir::kNoValue;
}

/// A vector of `n` equal numbers in the element type of `like`: what a weight means that is not given.
inline ir::Attr number_attr(MilLift& c, std::string_view name, std::string_view parameter, double fallback) {
  return {std::string(name), static_cast<float>(c.number(parameter, fallback))};
}

}  // namespace assay::coreml
