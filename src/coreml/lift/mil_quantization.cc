// Quantisation of values (weights are compressed by the constexpr family).
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// A vector of scales names its axis; a scalar has none.
std::vector<ir::Attr> axis_attr(MilLift& c) {
  if (!c.has("axis")) return {};
  return {{"axis", c.integer("axis", 0)}};
}

void lift_quantize(MilLift& c) {
  auto attrs = axis_attr(c);
  const ValueId zero = c.optional_in("zero_point");
  if (zero == ir::kNoValue) attrs.push_back({"output_dtype", static_cast<int64_t>(c.result_elem())});
  c.result(c.op("QuantizeLinear", {c.in("input"), c.in("scale"), zero}, std::move(attrs)));
}

void lift_dequantize(MilLift& c) {
  c.result(c.op("DequantizeLinear", {c.in("input"), c.in("scale"), c.optional_in("zero_point")}, axis_attr(c)));
}

constexpr MilRow kRows[] = {
    {"dequantize", lift_dequantize, 8},
    {"quantize", lift_quantize, 8},
};

}  // namespace

std::span<const MilRow> mil_quantization_rows() { return kRows; }

}  // namespace assay::coreml
