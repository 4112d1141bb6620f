// Data movement, choices among operands, changes of type.
#include <cmath>

#include "audit/bounds/rules.h"
#include "ops/def.h"

namespace assay::audit {

using ir::kNoValue;
using ir::ValueId;

namespace {
// Operands but the data: exact, in the type that the operator wants.
std::string others(RuleContext& c, std::vector<ValueId>& inputs) {
  for (size_t i = 1; i < c.in.size(); ++i) {
    if (!c.has(i)) {
      inputs.push_back(kNoValue);
      continue;
    }
    if (!c.exact(i)) return "its operand " + std::to_string(i) + " was rounded";
    const auto& row = c.op.def->in[std::min(i, c.op.def->in.size() - 1)];
    const bool wide = !c.in[i].is_float || row.types.has(ir::ElemType::float64);
    const ValueId id = wide ? c.in[i].centre : c.in[i].raw;
    if (id == kNoValue) return "its operand " + std::to_string(i) + " is computed";
    inputs.push_back(id);
  }
  return "";
}

// Resize by powers of two to the nearest point: its coordinates are exact, so that every program picks the same points.
bool doubles(const RuleContext& c) {
  const std::string where = c.op.attr_string("coordinate_transformation_mode", "half_pixel");
  if (c.op.attr_string("mode", "nearest") != "nearest" || c.op.attr_int("antialias", 0) != 0) return false;
  if (where != "half_pixel" && where != "asymmetric" && where != "pytorch_half_pixel") return false;
  if (c.op.inputs.size() < 3 || c.op.inputs[2] == kNoValue) return false;
  const auto& scales = c.graph.at(c.op.inputs[2]).constant;
  if (!scales) return false;
  for (int64_t i = 0; i < scales->size(); ++i) {
    int exponent = 0;
    if (std::frexp(scales->float_at(i), &exponent) != 0.5) return false;
  }
  return scales->size() > 0;
}

ValueId zeros_like(RuleContext& c, ValueId centre) { return c.b.times(c.b.abs(centre), 0); }
}  // namespace

std::string rule_move(RuleContext& c) {
  if (c.op.type == "Resize" && !doubles(c)) return "only nearest points at powers of two have a rule";
  if (c.op.type == "Dropout" && c.has(2)) return "training has no rule";
  if (c.op.type == "Dropout" && c.op.outputs.size() > 1 && c.op.outputs[1] != kNoValue) return "its mask has no rule";
  std::vector<ValueId> inputs = {c.centre(0)};
  if (std::string why = others(c, inputs); !why.empty()) return why;
  const std::vector<ValueId> centres = c.b.clone(c.op, inputs);
  std::vector<ValueId> radii(centres.size(), kNoValue);
  if (c.in[0].is_float && c.radius(0) != kNoValue) {
    inputs[0] = c.radius(0);
    if (c.op.type == "Pad" && inputs.size() > 2) inputs[2] = kNoValue;  // what is put around is exact
    radii = c.b.clone(c.op, inputs);
  }
  for (size_t k = 0; k < centres.size(); ++k) {
    if (c.op.outputs[k] == kNoValue) continue;
    c.finish_picked(k, centres[k], radii[k]);
  }
  return "";
}

std::string rule_concat(RuleContext& c) {
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  std::vector<ValueId> radii;
  bool any = false;
  for (size_t i = 0; i < c.in.size(); ++i) {
    any = any || c.radius(i) != kNoValue;
    radii.push_back(c.full_radius(i));
  }
  c.finish_picked(0, centre, any ? c.b.clone(c.op, radii)[0] : kNoValue);
  return "";
}

std::string rule_where(RuleContext& c) {
  if (!c.exact(0)) return "its condition was rounded";
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const ValueId radius = c.b.op("Where", {c.in[0].centre, c.full_radius(1), c.full_radius(2)});
  c.finish_picked(0, centre, radius);
  return "";
}

std::string rule_shape(RuleContext& c) {
  const ValueId id = c.b.clone(c.op, {c.centre(0)})[0];
  c.b.graph.at(id).type.elem = c.b.graph.at(id).storage = ir::ElemType::int64;
  c.out[0].centre = id;
  c.out[0].is_float = false;
  return "";
}

std::string rule_cast(RuleContext& c) {
  const ir::ElemType to = c.graph.at(c.op.outputs[0]).type.elem;
  if (!ir::is_float(to) || ir::elem_bits(to) < 16)
    return "what it casts to is no floating-point type of 16 bits or more";
  const ValueId centre = c.in[0].is_float ? c.in[0].centre : c.b.to_float64(c.in[0].centre);
  if (c.in[0].is_float) {
    ValueId radius = c.radius(0);
    // Stores say nothing of float32, which only this rounds to.
    if (to == ir::ElemType::float32 && !c.in[0].lattice &&
        c.graph.at(c.op.inputs[0]).type.elem == ir::ElemType::float64) {
      const Unit unit = unit_of({.format = num::format(num::FormatId::float32)});
      radius = c.b.add(radius, c.b.plus(c.b.times(c.magnitude(0), unit.u), unit.eta));
      radius = c.b.unless_over(c.magnitude(0), unit.max, radius);
    }
    c.finish_picked(0, centre, radius);
    // Declared narrower than it is stored: whether that rounds is the runtime's affair.
    const num::Format& format = num::format(*ir::elem_format(to));
    if (c.op.type == "Cast" && !c.out[0].lattice && format.significand_bits < 23) {
      const Unit unit = unit_of({.format = format});
      const ValueId rounded = c.b.plus(c.b.times(c.magnitude(0), unit.u), unit.eta);
      c.finish(0, centre, c.b.unless_over(c.magnitude(0), unit.max, c.b.add(radius, rounded)), 0);
    }
    return "";
  }
  c.finish(0, centre, kNoValue, 1);
  return "";
}

std::string rule_max_pool(RuleContext& c) {
  if (c.op.outputs.size() > 1 && c.op.outputs[1] != kNoValue) return "the places of the largest have no rule";
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  if (c.radius(0) == kNoValue) {
    c.finish_picked(0, centre, kNoValue);
    return "";
  }
  ir::Op largest = c.op;
  if (largest.type == "ReduceMin") {
    largest.type = "ReduceMax";
    largest.def = ops::find_op("", "ReduceMax");
  }
  std::vector<ValueId> inputs = c.centres();
  inputs[0] = c.radius(0);
  c.finish_picked(0, centre, c.b.clone(largest, inputs)[0]);
  return "";
}

// Abs, Neg, Max, Min.
std::string rule_pick(RuleContext& c) {
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  ValueId radius = kNoValue;
  for (size_t i = 0; i < c.in.size(); ++i) {
    const ValueId r = c.radius(i);
    if (r != kNoValue) radius = radius == kNoValue ? r : c.b.max(radius, r);
  }
  if (radius != kNoValue && c.in.size() > 1) radius = c.b.add(radius, zeros_like(c, centre));  // of the whole shape
  c.finish_picked(0, centre, radius);
  return "";
}

}  // namespace assay::audit
