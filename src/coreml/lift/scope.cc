#include "coreml/lift/scope.h"

namespace assay::coreml {
namespace {

/// A value of the enclosing graph as a nested graph reads it.
ir::ValueId capture(ir::Graph& inner, const ir::Graph& outer, ir::ValueId outside) {
  const ir::Value& value = outer.at(outside);
  const ir::ValueId inside = inner.add_value(inner.fresh_name(value.name), value.type);
  inner.at(inside).constant = value.constant;
  inner.at(inside).parameter = value.parameter;
  inner.at(inside).unstated = value.unstated;
  inner.captures.emplace_back(inside, outside);
  return inside;
}

}  // namespace

ir::ValueId MilScope::find(const std::string& name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const ir::ValueId outside = outer_ == nullptr ? ir::kNoValue : outer_->find(name);
  if (outside == ir::kNoValue || &outer_->graph_ == &graph_) return outside;
  return values_[name] = capture(graph_, outer_->graph_, outside);
}

ir::ValueId MilScope::find_state(const std::string& name) {
  if (outer_ == nullptr) {
    const auto found = states_.find(name);
    return found == states_.end() ? ir::kNoValue : found->second;
  }
  const ir::ValueId outside = outer_->find_state(name);
  if (outside == ir::kNoValue || &outer_->graph_ == &graph_) return outside;
  return capture(graph_, outer_->graph_, outside);
}

ir::ValueId NnScope::find(const std::string& name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const ir::ValueId outside = outer_ == nullptr ? ir::kNoValue : outer_->find(name);
  return outside == ir::kNoValue ? outside : values_[name] = capture(graph_, outer_->graph_, outside);
}

}  // namespace assay::coreml
