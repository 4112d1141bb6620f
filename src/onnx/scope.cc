#include "onnx/scope.h"

#include <algorithm>

namespace assay::onnx {

std::optional<ir::ValueId> Scope::find(std::string_view name) {
  if (const auto own = names.find(name); own != names.end()) return own->second;
  if (!outer) return std::nullopt;
  const auto far = outer->find(name);
  if (!far) return std::nullopt;
  const ir::Value& source = outer->graph.at(*far);
  const ir::ValueId id = graph.add_value(source.name, source.type);
  graph.at(id).constant = source.constant;
  graph.at(id).parameter = source.parameter;
  graph.captures.emplace_back(id, *far);
  names.emplace(name, id);
  return id;
}

const NodeProto* Scope::writer(std::string_view name) const {
  for (const Scope* scope = this; scope; scope = scope->outer) {
    if (!scope->nodes) continue;
    for (const NodeProto& node : *scope->nodes)
      if (std::ranges::find(node.outputs, name) != node.outputs.end()) return &node;
  }
  return nullptr;
}

std::optional<Binding> Frame::resolve(const AttributeProto& attr, Scope& scope) const {
  if (attr.ref_attr_name.empty()) return Binding{&attr, &scope, this};
  const auto given = attrs.find(attr.ref_attr_name);
  if (given == attrs.end()) return std::nullopt;
  return given->second;
}

}  // namespace assay::onnx
