// com.microsoft's QuantizeLinear, DequantizeLinear and DynamicQuantizeMatMul, which ONNX's operators (and
// MatMulIntegerToFloat) say as well.
#include "ops/quantised.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

/// Newer than all rules of QuantizeLinear and DequantizeLinear: these operators had the newest meaning from the start.
constexpr int kNewest = 25;

Status to_onnx(UpgradeContext& c) {
  c.op.domain.clear();
  c.version = kNewest;
  return {};
}

/// A becomes codes over its own range; the scale and zero point made on the way are the product's.
Status quantise_first(UpgradeContext& c) {
  if (!c.op.has_input(0) || !c.op.has_input(1) || !c.op.has_input(2)) return c.fail("A, B or b_scale is missing");
  ir::Op quantise{.domain = {}, .type = "DynamicQuantizeLinear", .name = {}, .inputs = {c.op.inputs[0]}};
  const auto value = [&](std::string_view of, ir::ElemType elem) {
    return c.graph.add_value(c.graph.fresh_name(c.op.type + std::string(of)), ir::Type::tensor(elem));
  };
  const ir::ValueId codes = value("_a", ir::ElemType::uint8), scale = value("_a_scale", ir::ElemType::float32),
                    zero = value("_a_zero_point", ir::ElemType::uint8);
  quantise.outputs = {codes, scale, zero};
  c.before.push_back(std::move(quantise));
  const auto given = [&](size_t i) { return i < c.op.inputs.size() ? c.op.inputs[i] : ir::kNoValue; };
  c.op.inputs = {codes, given(1), scale, given(2), zero, given(3), given(4)};
  while (c.op.inputs.back() == ir::kNoValue) c.op.inputs.pop_back();
  c.op.type = "MatMulIntegerToFloat";
  return {};
}

constexpr Upgrade kToOnnx[] = {{1 << 30, to_onnx}};
constexpr Upgrade kQuantiseFirst[] = {{1 << 30, quantise_first}};

}  // namespace

extern const OpDef kMicrosoftDequantizeLinear = {
    .domain = "com.microsoft",
    .name = "DequantizeLinear",
    .since = 1,
    .doc = "DequantizeLinear of ONNX.",
    .upgrades = kToOnnx,
    .to_mil = {nullptr, "read as ONNX's"},
    .to_nn = {nullptr, "read as ONNX's"},
};

extern const OpDef kMicrosoftDynamicQuantizeMatMul = {
    .domain = "com.microsoft",
    .name = "DynamicQuantizeMatMul",
    .since = 1,
    .doc = "DynamicQuantizeLinear of A, then MatMulIntegerToFloat.",
    .upgrades = kQuantiseFirst,
    .to_mil = {nullptr, "read as its steps"},
    .to_nn = {nullptr, "read as its steps"},
};

extern const OpDef kMicrosoftQuantizeLinear = {
    .domain = "com.microsoft",
    .name = "QuantizeLinear",
    .since = 1,
    .doc = "QuantizeLinear of ONNX.",
    .upgrades = kToOnnx,
    .to_mil = {nullptr, "read as ONNX's"},
    .to_nn = {nullptr, "read as ONNX's"},
};

}  // namespace assay::ops
