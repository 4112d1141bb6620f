#include "audit/trace/widen.h"

#include <memory>

namespace assay::audit {
namespace {
using ir::ElemType;
using ir::Tensor;

bool is_half(ElemType type) { return type == ElemType::float16 || type == ElemType::bfloat16; }

Tensor converted(const Tensor& from, ElemType type) {
  Tensor to = Tensor::allocate(type, from.dims());
  for (int64_t i = 0; i < from.size(); ++i) to.set_float(i, from.float_at(i));
  return to;
}

ir::Type widened_type(ir::Type type) {
  if (type.is_tensor() && is_half(type.elem)) type.elem = ElemType::float32;
  if (type.element) type.element = std::make_shared<const ir::Type>(widened_type(*type.element));
  return type;
}

void widen_attr(ir::Attr& attr, const ir::Op& op, std::optional<ElemType> rounded_to) {
  if (auto* tensor = std::get_if<Tensor>(&attr.value)) *tensor = widened(*tensor);
  if (auto* type = std::get_if<ir::Type>(&attr.value)) *type = widened_type(*type);
  if (auto* number = std::get_if<int64_t>(&attr.value)) {
    const bool names_type = (op.type == "Cast" && attr.name == "to") || attr.name == "dtype" ||
                            attr.name == "output_dtype" || attr.name == "stash_type";
    const auto type = names_type ? ir::elem_from_onnx(*number) : std::nullopt;
    if (type && is_half(*type)) *number = static_cast<int64_t>(ElemType::float32);
  }
  auto* nested = std::get_if<std::shared_ptr<ir::Graph>>(&attr.value);
  if (nested != nullptr && *nested) *nested = std::make_shared<ir::Graph>(widened(**nested, rounded_to));
}

}  // namespace

Tensor widened(const Tensor& tensor) {
  return !tensor.is_list() && is_half(tensor.elem()) ? converted(tensor, ElemType::float32) : tensor;
}

std::optional<ElemType> narrow_constants(const ir::Graph& graph) {
  for (const ir::Value& value : graph.values)
    if (value.constant && is_half(value.constant->elem())) return value.constant->elem();
  for (const ir::Op& op : graph.ops) {
    std::optional<ElemType> inside;
    ir::for_each_nested(op, [&](const ir::Graph& inner) { inside = inside ? inside : narrow_constants(inner); });
    if (inside) return inside;
  }
  return std::nullopt;
}

ir::Graph widened(const ir::Graph& graph, std::optional<ElemType> rounded_to) {
  ir::Graph out = graph;
  for (ir::Value& value : out.values) {
    value.type = widened_type(value.type);
    if (!value.constant) continue;
    if (is_half(value.constant->elem()))
      value.constant = std::make_shared<const Tensor>(widened(*value.constant));
    else if (rounded_to && !value.parameter && value.constant->elem() == ElemType::float32)
      value.constant = std::make_shared<const Tensor>(widened(converted(*value.constant, *rounded_to)));
  }
  for (ir::Op& op : out.ops)
    for (ir::Attr& attr : op.attrs) widen_attr(attr, op, rounded_to);
  return out;
}

}  // namespace assay::audit
