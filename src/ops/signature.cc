#include "ops/signature.h"

#include <algorithm>

#include "ops/def.h"

namespace assay::ops {
namespace {

Error broken(const ir::Graph& g, const ir::Op& op, std::string message) {
  return Error{Code::model_invalid, std::move(message), g.describe(op), "check the export"};
}

const In* parameter(const OpDef& def, size_t i) {
  if (i < def.in.size()) return &def.in[i];
  if (!def.in.empty() && def.in.back().flags & kVariadic) return &def.in.back();
  return nullptr;
}

std::string input_name(const In& in, size_t i) {
  return "input " + std::to_string(i) + " (" + std::string(in.name) + ")";
}

bool takes(ir::TypeSet types, ir::Type::Kind kind) {
  switch (kind) {
    case ir::Type::Kind::tensor:
      return (types.bits & kAnything.bits) != 0;
    case ir::Type::Kind::sequence:
      return (types.bits & kSequences.bits) != 0;
    case ir::Type::Kind::optional:
      return (types.bits & kOptionals.bits) != 0;
    case ir::Type::Kind::map:
      return (types.bits & kMaps.bits) != 0;
  }
  return false;
}

Status check_inputs(const ir::Graph& g, const ir::Op& op, const OpDef& def, const std::vector<ir::Value>& values) {
  for (size_t i = 0; i < def.in.size(); ++i)
    if (!(def.in[i].flags & kOptional) && !op.has_input(i))
      return broken(g, op, input_name(def.in[i], i) + " is missing");
  // Inputs with one set of types share one type variable, unless the row says otherwise.
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const In* in = parameter(def, i);
    if (!in)
      return broken(g, op,
                    "has " + std::to_string(op.inputs.size()) + " inputs, at most " + std::to_string(def.in.size()) +
                        " are allowed");
    if (!op.has_input(i)) {
      if (in->flags & kVariadic) return broken(g, op, input_name(*in, i) + " is missing");
      continue;
    }
    const ir::Type& type = values[op.inputs[i]].type;
    if (!type.is_tensor()) {
      if (takes(in->types, type.kind)) continue;
      return Error{Code::type_unsupported,
                   input_name(*in, i) + " is " + to_string(type) + ", which the operator does not take", g.describe(op),
                   "check the export"};
    }
    if (type.elem == ir::ElemType::undefined) continue;
    if (!in->types.has(type.elem))
      return Error{
          Code::type_unsupported,
          input_name(*in, i) + " is " + std::string(ir::elem_name(type.elem)) + ", which the operator does not take",
          g.describe(op), "cast the input, or check the export"};
    for (size_t j = 0; !def.mixed && j < i; ++j) {
      const In* other = parameter(def, j);
      if (!op.has_input(j) || other->types.bits != in->types.bits) continue;
      const ir::ElemType before = values[op.inputs[j]].type.elem;
      if (before == ir::ElemType::undefined || before == type.elem) continue;
      return broken(g, op,
                    input_name(*other, j) + " is " + std::string(ir::elem_name(before)) + " but " + input_name(*in, i) +
                        " is " + std::string(ir::elem_name(type.elem)));
    }
  }
  return {};
}

}  // namespace

Status check_signature(const ir::Graph& g, const ir::Op& op, const std::vector<ir::Value>& values) {
  const OpDef& def = *op.def;
  ASSAY_CHECK(check_inputs(g, op, def, values));
  const bool variadic = !def.out.empty() && def.out.back().flags & kVariadic;
  if (op.outputs.size() > def.out.size() && !variadic)
    return broken(g, op,
                  "has " + std::to_string(op.outputs.size()) + " outputs, at most " + std::to_string(def.out.size()) +
                      " are allowed");
  const auto writes = [&](size_t i) { return i < op.outputs.size() && op.outputs[i] != ir::kNoValue; };
  for (size_t i = 0; i < def.out.size(); ++i)
    if (!(def.out[i].flags & (kOptional | kVariadic)) && !writes(i))
      return broken(g, op, "output " + std::to_string(i) + " (" + std::string(def.out[i].name) + ") is missing");
  if (std::ranges::all_of(op.outputs, [](ir::ValueId v) { return v == ir::kNoValue; }))
    return broken(g, op, "writes nothing");
  for (const AttrDoc& attr : def.attrs)
    if (attr.fallback.empty() && !op.has_attr(attr.name))
      return broken(g, op, "attribute '" + std::string(attr.name) + "' is missing");
  return {};
}

}  // namespace assay::ops
