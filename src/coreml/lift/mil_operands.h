// Steps that several families of ML Program lifts share.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "coreml/lift/mil.h"

namespace assay::coreml {

/// `x`; in float32 where one of the parameters is, which since iOS17 may be of another type than a float16 x: they are
/// numbers of their own type, and the result alone is rounded.
inline ValueId in_widest(MilLift& c, std::initializer_list<std::string_view> parameters, std::string_view x = "x") {
  const ValueId value = c.in(x);
  const bool wider = std::ranges::any_of(parameters, [&](std::string_view parameter) {
    return c.has(parameter) && c.elem(c.in(parameter)) == ir::ElemType::float32;
  });
  if (!wider || c.elem(value) != ir::ElemType::float16) return value;
  c.narrows = true;
  return c.cast(value, ir::ElemType::float32);
}
/// A parameter in the element type of `x`.
inline ValueId in_like(MilLift& c, std::string_view parameter, ValueId x) { return c.cast(c.in(parameter), c.elem(x)); }
inline ValueId optional_in_like(MilLift& c, std::string_view parameter, ValueId x) {
  return c.has(parameter) ? in_like(c, parameter, x) : ir::kNoValue;
}

/// A vector of `n` equal numbers in the element type of `like`: what a weight means that is not given.
inline ir::Attr number_attr(MilLift& c, std::string_view name, std::string_view parameter, double fallback) {
  return {std::string(name), static_cast<float>(c.number(parameter, fallback))};
}

}  // namespace assay::coreml
