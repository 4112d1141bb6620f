#include "coreml/lift/program.h"

#include <algorithm>
#include <unordered_map>

#include "coreml/lift/mil_tables.h"
#include "coreml/lift/missing.h"
#include "coreml/lift/scope.h"

namespace assay::coreml {
namespace {

const std::unordered_map<std::string_view, const MilRow*>& rows_by_type() {
  static const auto* const kByType = [] {
    auto* map = new std::unordered_map<std::string_view, const MilRow*>;
    for (const MilRow* row : mil_rows()) map->emplace(row->type, row);
    return map;
  }();
  return *kByType;
}

void lift_const(MilLift& c) {
  const mil::Value* value = mil::find(c.operation->attributes, "val");
  if (value == nullptr) return c.bad("it has no 'val'");
  if (c.result_count() != 1) return c.bad("a constant has one result");
  // Widths that no value of a graph has (one bit) are for compressed weights alone.
  const bool computes = value->type.is_tensor() && ir_type(value->type).ok();
  if (!computes && (!value->type.is_tensor() || mil::data_type_bits(value->type.data) != 0))
    return c.define_other(*value);
  auto tensor = tensor_of(*value);
  if (!tensor.ok()) return c.fail(tensor.error());
  const ValueId id = c.weight(*std::move(tensor), c.operation->outputs[0].name);
  c.name_value(id, c.operation->outputs[0].name);
  c.result(id);
}

Status read_inputs(const mil::Function& function, MilLift& lift) {
  for (const mil::NamedType& input : function.inputs) {
    ASSAY_TRY(ir::Type type, ir_type(input.type));
    if (input.type.kind == mil::Type::Kind::state) {
      const ValueId id = lift.graph.add_value(input.name, std::move(type));
      lift.scope().states()[input.name] = id;
      lift.graph.states.push_back({input.name, id, id});
      continue;
    }
    const ValueId id = lift.graph.add_value(input.name, std::move(type));
    lift.graph.inputs.push_back(id);
    lift.scope().define(input.name, id);
  }
  return {};
}

}  // namespace

std::vector<const MilRow*> mil_rows() {
  static constexpr MilRow kConst = {"const", lift_const};
  std::vector<const MilRow*> rows = {&kConst};
  for (const auto table : kMilTables)
    for (const MilRow& row : table()) rows.push_back(&row);
  std::ranges::sort(rows, {}, &MilRow::type);
  return rows;
}

namespace {
void find_missing(const std::vector<mil::Operation>& operations, Missing& missing) {
  for (const mil::Operation& op : operations) {
    const auto row = rows_by_type().find(op.type);
    if (row == rows_by_type().end())
      missing.add(op.type, std::string(op.name()));
    else if (!row->second->refusal.empty())
      missing.add(op.type, std::string(op.name()), row->second->refusal);
    for (const mil::Block& block : op.blocks) find_missing(block.operations, missing);
  }
}

/// Its results are what the file declares.
void lift_unread(const mil::Operation& op, MilLift& lift) {
  std::vector<ValueId> inputs;
  for (const auto& [parameter, argument] : op.inputs)
    for (const ValueId id : lift.all(parameter)) inputs.push_back(id);
  std::vector<ir::Type> types;
  for (const mil::NamedType& output : op.outputs) {
    auto type = ir_type(output.type);
    types.push_back(type.ok() ? *std::move(type) : ir::Type());
  }
  const std::vector<ValueId> results = lift.unread(inputs, std::move(types));
  for (size_t i = 0; i < results.size(); ++i) lift.result(results[i], i);
}

}  // namespace

Status lift_operations(const std::vector<mil::Operation>& operations, MilLift& lift) {
  Missing missing;
  find_missing(operations, missing);
  if (lift.unknown == ir::Unknown::refused) ASSAY_CHECK(missing.status());
  for (const mil::Operation& op : operations) {
    lift.start(op);
    const auto row = rows_by_type().find(op.type);
    if (row == rows_by_type().end() || !row->second->refusal.empty())
      lift_unread(op, lift);
    else
      row->second->lift(lift);
    ASSAY_CHECK(lift.status());
  }
  return {};
}

Result<ir::Graph> lift_program(const mil::Program& program, const mil::Description& description,
                               const std::string& name, ir::Unknown unknown) {
  const std::string wanted = !name.empty()                          ? name
                             : description.default_function.empty() ? "main"
                                                                    : description.default_function;
  const mil::Function* function = mil::find(program.functions, wanted);
  if (function == nullptr)
    return Error{Code::model_invalid, "the program has no function '" + wanted + "'", "", "name one that it has"};
  const mil::Opset* opset = mil::find_opset(function->opset);
  if (opset == nullptr || function->body() == nullptr)
    return Error{Code::opset_unsupported,
                 "function '" + wanted + "' is written in operator set '" + function->opset + "'", "",
                 "CoreML5 to CoreML9 are read"};
  ir::Graph graph;
  graph.name = wanted;
  MilScope scope(graph);
  MilLift lift(graph, scope, opset->spec_version);
  lift.unknown = unknown;
  ASSAY_CHECK(read_inputs(*function, lift));
  ASSAY_CHECK(lift_operations(function->body()->operations, lift));
  for (const std::string& output : function->body()->outputs) {
    ValueId id = scope.find(output);
    if (id == ir::kNoValue)
      return Error{Code::model_invalid, "nothing defines the output '" + output + "'", "function '" + wanted + "'"};
    lift.begin("output", output);
    // An output has a value of its own: what is an input, a constant or output under another name is copied.
    const bool taken = std::ranges::find(graph.outputs, id) != graph.outputs.end();
    if (graph.at(id).producer == ir::kNoOp || taken) id = lift.op("Identity", {id});
    lift.rename_output(id, output);
    graph.outputs.push_back(id);
  }
  for (ir::State& state : graph.states) state.after = scope.states().at(state.name);
  for (const auto& [key, value] : description.metadata.user) graph.metadata[key] = value;
  return graph;
}

}  // namespace assay::coreml
