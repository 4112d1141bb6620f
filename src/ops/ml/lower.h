// Lowerings of ai.onnx.ml: attributes as constants beside the features.
#pragma once
#include <string_view>
#include <vector>

#include "ops/lower/elementwise.h"

namespace assay::ops {

/// Whether so many numbers stand beside X's features: one for all, or one each.
template <class Context>
Status check_beside(const Context& c, std::string_view attr, size_t count) {
  if (count <= 1 || c.dim(0, -1) == static_cast<int64_t>(count)) return {};
  return c.refuse(std::string(attr) + " has " + std::to_string(count) + " values, the number of features is not known");
}

/// The numbers of an attribute, or `fallback` where there are none: a scalar, or one a feature.
inline MilValue mil_numbers(MilContext& c, std::string_view attr, float fallback) {
  const std::vector<float> values = c.op.attr_floats(attr, {fallback});
  return c.constant_value(values.size() == 1 ? c.number(values[0]) : c.numbers(values));
}
inline std::string nn_numbers(NnContext& c, std::string_view attr, float fallback) {
  const std::vector<float> values = c.op.attr_floats(attr, {fallback});
  const ir::Dims dims{static_cast<int64_t>(values.size())};
  return c.constant_blob(ir::Tensor::of<float>(ir::ElemType::float32, dims, std::span<const float>(values)));
}

}  // namespace assay::ops
