// Lowerings of operators that have one counterpart with the same meaning.
#pragma once
#include <algorithm>
#include <cstddef>
#include <string_view>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

/// A text as a template argument: mil_unary<"relu">.
template <size_t N>
struct Word {
  constexpr Word(const char (&literal)[N]) { std::copy_n(literal, N, text); }
  constexpr std::string_view view() const { return {text, N - 1}; }
  char text[N]{};
};

/// One operand, `x`.
template <Word kType>
Status mil_unary(MilContext& c) {
  return c.emit(kType.view(), {{"x", c.in(0)}});
}

/// Two operands, `x` and `y`, broadcast as NumPy does.
template <Word kType>
Status mil_binary(MilContext& c) {
  return c.emit(kType.view(), {{"x", c.in(0)}, {"y", c.in(1)}});
}

/// A layer without parameters that takes all operands in order.
template <Word kKind>
Status nn_plain(NnContext& c) {
  return c.layer(kKind.view(), c.all_inputs());
}

/// An activation layer without parameters of its own: nn_activation<"ReLU">.
template <Word kFunction>
Status nn_activation(NnContext& c) {
  mil::Message params = c.params("activation");
  const mil::Message function = params.make(kFunction.view());
  params.set(kFunction.view(), function);
  return c.layer("activation", {c.in(0)}, std::move(params));
}

}  // namespace assay::ops
