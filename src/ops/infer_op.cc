#include "ops/infer_op.h"

#include "base/checked.h"
#include "ops/infer.h"

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

Status check_inputs(const ir::Graph& g, const ir::Op& op, const OpDef& def) {
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
    if (!op.has_input(i)) continue;
    const ir::Type& type = g.at(op.inputs[i]).type;
    if (type.kind != ir::Type::Kind::tensor || type.elem == ir::ElemType::undefined) continue;
    if (!in->types.has(type.elem))
      return Error{
          Code::type_unsupported,
          input_name(*in, i) + " is " + std::string(ir::elem_name(type.elem)) + ", which the operator does not take",
          g.describe(op), "cast the input, or check the export"};
    for (size_t j = 0; !def.mixed && j < i; ++j) {
      const In* other = parameter(def, j);
      if (!op.has_input(j) || other->types.bits != in->types.bits) continue;
      const ir::ElemType before = g.at(op.inputs[j]).type.elem;
      if (before == ir::ElemType::undefined || before == type.elem) continue;
      return broken(g, op,
                    input_name(*other, j) + " is " + std::string(ir::elem_name(before)) + " but " + input_name(*in, i) +
                        " is " + std::string(ir::elem_name(type.elem)));
    }
  }
  return {};
}

Status check_size(const ir::Graph& g, const ir::Op& op, const ir::Type& type) {
  if (type.kind != ir::Type::Kind::tensor || !type.shape) return {};
  ir::Dims known;
  for (const ir::Dim& d : *type.shape)
    if (d.known()) known.push_back(d.value);
  constexpr int64_t kMost = int64_t{1} << 46;
  if (const auto n = checked_product(known); n && *n <= kMost) return {};
  return Error{Code::limit_exceeded, "an output of type " + to_string(type) + " is absurdly large", g.describe(op),
               "check the export"};
}

}  // namespace

Status check_signature(const ir::Graph& g, const ir::Op& op) {
  const OpDef& def = *op.def;
  ASSAY_CHECK(check_inputs(g, op, def));
  const bool variadic = !def.out.empty() && def.out.back().flags & kVariadic;
  if (op.outputs.size() > def.out.size() && !variadic)
    return broken(g, op,
                  "has " + std::to_string(op.outputs.size()) + " outputs, at most " + std::to_string(def.out.size()) +
                      " are allowed");
  for (const AttrDoc& attr : def.attrs)
    if (attr.fallback.empty() && !op.has_attr(attr.name))
      return broken(g, op, "attribute '" + std::string(attr.name) + "' is missing");
  return {};
}

Status infer_op(ir::Graph& g, const ir::Op& op, bool fold) {
  if (!op.def) return {};
  ASSAY_CHECK(check_signature(g, op));
  if (!op.def->infer) return {};
  std::vector<const ir::Value*> inputs;
  for (const ir::ValueId v : op.inputs) inputs.push_back(v == ir::kNoValue ? nullptr : &g.at(v));
  InferContext context(g, op, std::move(inputs));
  ASSAY_CHECK(op.def->infer(context));
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (op.outputs[i] == ir::kNoValue) continue;
    ir::Value& value = g.at(op.outputs[i]);
    if (const auto& type = context.outputs()[i]) {
      ASSAY_CHECK(check_size(g, op, *type));
      value.type = *type;
    }
    if (fold && context.constants()[i]) value.constant = context.constants()[i];
  }
  return {};
}

}  // namespace assay::ops
