// Layers that make a blob: constants, fills, ranges.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

void lift_load_constant(NnLift& c) {
  ir::Dims dims = c.params().integers("shape");
  if (dims.size() != 3) return c.bad("a shape of " + std::to_string(dims.size()) + " axes, not 3");
  dims.insert(dims.begin(), {1, 1});
  c.result(c.weights("data", dims));
}

void lift_load_constant_nd(NnLift& c) { c.result(c.weights("data", c.params().integers("shape"))); }

ValueId filled(NnLift& c, ValueId shape) {
  ir::Tensor value = ir::Tensor::allocate(ir::ElemType::float32, {1});
  value.set_float(0, c.params().number("value"));
  return c.op("ConstantOfShape", {shape}, {{"value", std::move(value)}});
}
void lift_fill_like(NnLift& c) { c.result(filled(c, extents(c, c.in(0)))); }
void lift_fill_static(NnLift& c) { c.result(filled(c, c.ints(c.params().integers("targetShape")))); }
void lift_fill_dynamic(NnLift& c) { c.result(filled(c, c.indices(c.in(0)))); }

ValueId float_parameter(NnLift& c, double value) {
  return c.parameter(ir::Tensor::scalar(static_cast<float>(value)), "bound");
}

void lift_range_static(NnLift& c) {
  const mil::Message& p = c.params();
  c.result(c.op("Range", {float_parameter(c, p.number("startValue")), float_parameter(c, p.number("endValue")),
                          float_parameter(c, p.number("stepSizeValue"))}));
}

/// Inputs are the end, then the start and the step where the parameters do not give them.
void lift_range_dynamic(NnLift& c) {
  const mil::Message& p = c.params();
  const auto bound = [&](size_t i, std::string_view field) {
    return c.has(i) ? c.reshape(c.in(i), {}) : float_parameter(c, p.number(field));
  };
  const ValueId start = bound(1, "startValue"), step = bound(2, "stepSizeValue");
  c.result(c.op("Range", {start, c.reshape(c.in(0), {}), step}));
}

constexpr NnRow kRows[] = {
    {"fillDynamic", lift_fill_dynamic},        {"fillLike", lift_fill_like},
    {"fillStatic", lift_fill_static},          {"loadConstant", lift_load_constant},
    {"loadConstantND", lift_load_constant_nd}, {"rangeDynamic", lift_range_dynamic},
    {"rangeStatic", lift_range_static},
};

}  // namespace

std::span<const NnRow> nn_fill_rows() { return kRows; }

}  // namespace assay::coreml
