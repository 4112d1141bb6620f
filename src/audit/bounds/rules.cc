#include "audit/bounds/rules.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace assay::audit {
namespace {
struct Row {
  std::string_view domain, type;
  Rule rule;
};
constexpr Row kRows[] = {
    {"", "Abs", rule_pick},
    {"", "Add", rule_sum},
    {"", "Atan", rule_monotone},
    {"", "AveragePool", rule_reduce},
    {"", "BatchNormalization", rule_batch_norm},
    {"", "Cast", rule_cast},
    {"", "Celu", rule_lipschitz},
    {"", "Clip", rule_monotone},
    {"", "Concat", rule_concat},
    {"", "Conv", rule_product},
    {"", "ConvTranspose", rule_product},
    {"", "Cos", rule_lipschitz},
    {"", "DepthToSpace", rule_move},
    {"", "Div", rule_div},
    {"", "Dropout", rule_move},
    {"", "Elu", rule_lipschitz},
    {"", "Erf", rule_monotone},
    {"", "Exp", rule_monotone},
    {"", "Expand", rule_move},
    {"", "Flatten", rule_move},
    {"", "Gather", rule_move},
    {"", "GatherElements", rule_move},
    {"", "GatherND", rule_move},
    {"", "Gelu", rule_lipschitz},
    {"", "Gemm", rule_product},
    {"", "GlobalAveragePool", rule_reduce},
    {"", "GlobalMaxPool", rule_max_pool},
    {"", "HardSigmoid", rule_lipschitz},
    {"", "HardSwish", rule_lipschitz},
    {"", "Identity", rule_move},
    {"", "InstanceNormalization", rule_norm},
    {"", "LayerNormalization", rule_norm},
    {"", "LeakyRelu", rule_lipschitz},
    {"", "Log", rule_monotone},
    {"", "LogSoftmax", rule_softmax},
    {"", "MatMul", rule_product},
    {"", "Max", rule_pick},
    {"", "MaxPool", rule_max_pool},
    {"", "Mean", rule_sum},
    {"", "Min", rule_pick},
    {"", "Mish", rule_lipschitz},
    {"", "Mul", rule_mul},
    {"", "Neg", rule_pick},
    {"", "PRelu", rule_prelu},
    {"", "Pad", rule_move},
    {"", "Pow", rule_pow},
    {"", "RMSNormalization", rule_norm},
    {"", "Reciprocal", rule_reciprocal},
    {"", "ReduceL1", rule_reduce},
    {"", "ReduceL2", rule_squares},
    {"", "ReduceMax", rule_max_pool},
    {"", "ReduceMean", rule_reduce},
    {"", "ReduceMin", rule_max_pool},
    {"", "ReduceSum", rule_reduce},
    {"", "ReduceSumSquare", rule_squares},
    {"", "Relu", rule_monotone},
    {"", "Reshape", rule_move},
    {"", "Resize", rule_move},
    {"", "Selu", rule_lipschitz},
    {"", "Shape", rule_shape},
    {"", "Sigmoid", rule_monotone},
    {"", "Sin", rule_lipschitz},
    {"", "Size", rule_shape},
    {"", "Slice", rule_move},
    {"", "Softmax", rule_softmax},
    {"", "Softplus", rule_lipschitz},
    {"", "Softsign", rule_lipschitz},
    {"", "SpaceToDepth", rule_move},
    {"", "Split", rule_move},
    {"", "Sqrt", rule_monotone},
    {"", "Squeeze", rule_move},
    {"", "Sub", rule_sum},
    {"", "Sum", rule_sum},
    {"", "Swish", rule_lipschitz},
    {"", "Tanh", rule_monotone},
    {"", "Tile", rule_move},
    {"", "Transpose", rule_move},
    {"", "Trilu", rule_move},
    {"", "Unsqueeze", rule_move},
    {"", "Where", rule_where},
    {"assay", "Round", rule_cast},
};
}  // namespace

using ir::kNoValue;
using ir::ValueId;

Rule rule_for(const ir::Op& op) {
  const auto row =
      std::ranges::find_if(kRows, [&](const Row& r) { return r.domain == op.domain && r.type == op.type; });
  return row == std::end(kRows) ? nullptr : row->rule;
}

ValueId RuleContext::radius(size_t i) const {
  const bool flushes = op.policy.flush_subnormals || op.policy.accumulator.flush_subnormals;
  if (!flushes || !in[i].is_float) return in[i].radius;
  if (in[i].radius != kNoValue) return b.plus(in[i].radius, flushed_below(op.policy));
  return b.plus(b.times(b.abs(in[i].centre), 0), flushed_below(op.policy));
}

ValueId RuleContext::magnitude(size_t i) { return b.add(b.abs(in[i].centre), radius(i)); }

ValueId RuleContext::full_radius(size_t i) {
  const ValueId r = radius(i);
  return r != kNoValue ? r : b.times(b.abs(in[i].centre), 0);
}

std::vector<ValueId> RuleContext::centres() const {
  std::vector<ValueId> all;
  all.reserve(in.size());
  for (const Bound& bound : in) all.push_back(bound.centre);
  return all;
}

std::vector<ir::Dim> RuleContext::dims(size_t i) const {
  const ir::Value& value = graph.at(op.inputs[i]);
  if (value.constant) {
    const ir::Dims& d = value.constant->dims();
    return {d.begin(), d.end()};
  }
  return value.type.ranked() ? *value.type.shape : std::vector<ir::Dim>();
}

void RuleContext::round(size_t k, ValueId centre, ValueId radius, const Unit& unit) {
  const ValueId size = b.abs(centre);
  const ValueId within = b.add(size, radius);
  ValueId wide = b.plus(b.times(within, unit.u * (1 + kSlack)), unit.eta);
  wide = b.add(b.times(radius, 1 + kSlack), wide);
  out[k].centre = centre;
  out[k].radius = b.unless_over(within, unit.max, wide);
}

void RuleContext::finish(size_t k, ValueId centre, ValueId radius, int steps) {
  const ir::Value& value = graph.at(op.outputs[k]);
  const ir::ElemType storage = value.storage == ir::ElemType::undefined ? value.type.elem : value.storage;
  out[k].lattice = stored_rounding(op.policy, storage);
  Unit unit{kCentre, 0, std::numeric_limits<double>::infinity()};
  for (int i = 0; i < steps; ++i) unit = then(unit, step_unit(op.policy));
  if (out[k].lattice) unit = then(unit, unit_of(*out[k].lattice));
  if (op.policy.flush_subnormals) unit.eta += flushed_below(op.policy);
  round(k, centre, radius, unit);
}

void RuleContext::finish_picked(size_t k, ValueId centre, ValueId radius) {
  const ir::Value& value = graph.at(op.outputs[k]);
  const ir::ElemType storage = value.storage == ir::ElemType::undefined ? value.type.elem : value.storage;
  const auto rounding = stored_rounding(op.policy, storage);
  const bool on = !rounding || std::ranges::all_of(in, [&](const Bound& bound) {
    return bound.centre == kNoValue || !bound.is_float || bound.lattice == rounding;
  });
  if (!on || op.policy.flush_subnormals) return finish(k, centre, radius, 0);
  out[k].centre = centre;
  out[k].radius = radius;
  for (const Bound& bound : in)
    if (bound.centre != kNoValue && bound.is_float && bound.lattice) out[k].lattice = bound.lattice;
  // A wider store than the operands': what they have in common is all that is known.
  for (const Bound& bound : in)
    if (bound.centre != kNoValue && bound.is_float && bound.lattice != out[k].lattice) out[k].lattice.reset();
}

}  // namespace assay::audit
