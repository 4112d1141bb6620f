#include "audit/search/units.h"

#include <algorithm>

#include "ops/def.h"
#include "passes/layers.h"

namespace assay::audit {
namespace {

bool any_float(const ir::Graph& graph, const std::vector<ir::ValueId>& values) {
  return std::ranges::any_of(values, [&](ir::ValueId v) { return v != ir::kNoValue && is_stored_float(graph.at(v)); });
}

/// Operands of an operation with what graphs nested in it read.
std::vector<ir::ValueId> operands(const ir::Op& op) {
  std::vector<ir::ValueId> all = op.inputs;
  if (ir::has_nested(op)) {
    const auto captured = ir::captured_by(op);
    all.insert(all.end(), captured.begin(), captured.end());
  }
  return all;
}

}  // namespace

bool is_stored_float(const ir::Value& value) {
  return value.unstated || (value.type.kind == ir::Type::Kind::tensor && ir::is_float(value.type.elem));
}

Units::Role Units::role_of(ir::OpId id, const passes::Placement* around, const std::vector<bool>& always) const {
  const ir::Op& op = model_->ops[id];
  const bool nested = ir::has_nested(op);
  const bool reads = any_float(*model_, op.inputs), writes = any_float(*model_, op.outputs);
  if (!reads && !writes && !nested) return Role::none;
  if (around != nullptr && !around->takes(id)) return Role::fixed;
  if (!always.empty() && always[id]) return Role::fixed;
  if (nested) return Role::unit;
  const bool exact = op.def == nullptr || op.def->numeric == ops::Numeric::exact;
  if (exact && reads && writes) return Role::moves;
  if (reads && !writes && exact) return Role::reads;
  return (reads && !exact) || writes ? Role::unit : Role::none;
}

Units Units::of(const ir::Graph& model, const passes::Placement* around, std::vector<bool> always) {
  Units units;
  units.model_ = &model;
  for (ir::OpId id = 0; id < model.ops.size(); ++id) units.roles_.push_back(units.role_of(id, around, always));
  units.outputs_ = model.outputs;
  units.gather();
  return units;
}

void Units::gather() {
  for (ir::OpId id = 0; id < roles_.size(); ++id) {
    if (roles_[id] != Role::unit) continue;
    const bool joins = !units_.empty() && ir::same_layer(model_->ops[units_.back().back()], model_->ops[id]);
    if (!joins) units_.emplace_back();
    units_.back().push_back(id);
  }
}

std::vector<bool> Units::spread(const Kept& kept) const {
  const ir::Graph& graph = *model_;
  std::vector<bool> stays(graph.ops.size()), wide(graph.values.size()), wanted(graph.values.size());
  for (size_t u = 0; u < units_.size(); ++u)
    if (kept[u])
      for (const ir::OpId id : units_[u]) stays[id] = true;
  for (const ir::ValueId id : graph.inputs) wide[id] = is_stored_float(graph.at(id));
  for (ir::ValueId id = 0; id < graph.values.size(); ++id)
    if (graph.at(id).constant && graph.at(id).producer == ir::kNoOp) wide[id] = is_stored_float(graph.at(id));
  const auto is_wide = [&](ir::ValueId v) { return v != ir::kNoValue && wide[v]; };
  for (ir::OpId id = 0; id < graph.ops.size(); ++id) {
    const ir::Op& op = graph.ops[id];
    if (roles_[id] == Role::fixed) stays[id] = true;
    const bool carries =
        (roles_[id] == Role::moves || roles_[id] == Role::reads) && std::ranges::any_of(op.inputs, is_wide);
    if (carries) stays[id] = true;
    if (!stays[id]) continue;
    for (const ir::ValueId v : op.outputs)
      if (v != ir::kNoValue) wide[v] = is_stored_float(graph.at(v));
  }
  for (const ir::ValueId id : outputs_) wanted[id] = true;
  for (size_t i = graph.ops.size(); i-- > 0;) {
    const ir::Op& op = graph.ops[i];
    if (roles_[i] == Role::moves && stays[i])
      stays[i] = std::ranges::any_of(op.outputs, [&](ir::ValueId v) { return v != ir::kNoValue && wanted[v]; });
    if (!stays[i]) continue;
    for (const ir::ValueId v : operands(op))
      if (v != ir::kNoValue) wanted[v] = true;
  }
  return stays;
}

}  // namespace assay::audit
