#include "coreml/lift/program.h"

#include <algorithm>
#include <unordered_map>

#include "coreml/lift/images.h"
#include "coreml/lift/mil_tables.h"
#include "coreml/lift/missing.h"
#include "coreml/lift/network_io.h"
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

const mil::Feature* feature_among(const std::vector<mil::Feature>& features, const std::string& name) {
  const auto found = std::ranges::find(features, name, &mil::Feature::name);
  return found != features.end() ? &*found : nullptr;
}

bool is_image(const mil::Feature* feature) { return feature != nullptr && feature->kind == mil::Feature::Kind::image; }

/// Whether nobody gives the input and the file says what it is then.
bool is_default(const mil::Feature* feature, std::span<const std::string> given) {
  return feature != nullptr && feature->kind == mil::Feature::Kind::array && feature->optional &&
         feature->array.default_value && has_default_shape(feature->array) &&
         std::ranges::find(given, feature->name) == given.end();
}

/// Extents that one of the two has; false where they contradict.
bool meet(ir::Type& type, const ir::Type& declared) {
  if (!declared.ranked()) return true;
  if (declared.shape->size() != type.shape->size()) return false;
  for (size_t i = 0; i < type.shape->size(); ++i) {
    ir::Dim& dim = (*type.shape)[i];
    const ir::Dim& other = (*declared.shape)[i];
    if (dim.known() && other.known() && dim.value != other.value) return false;
    if (!dim.known()) dim = other;
  }
  return true;
}

Error unlike(const std::string& name, const ir::Type& given, const ir::Type& declared) {
  return Error{Code::model_invalid,
               "'" + name + "' is " + ir::to_string(given) + ", and the function takes " + ir::to_string(declared), "",
               "check the export"};
}

/// The value of an input: what a model before this one gives, or an input of the graph.
Result<ValueId> input_value(const mil::NamedType& input, const mil::Feature* feature, const ir::Type& declared,
                            std::span<const std::string> given, FeatureValues& features, MilLift& lift) {
  if (const auto found = features.find(input.name); found != features.end()) {
    ir::Type type = lift.type(found->second);
    if (!type.ranked() || meet(type, declared)) return found->second;
    return unlike(input.name, type, declared);
  }
  const bool absent = is_default(feature, given);
  ir::Type type = is_image(feature) ? image_type(feature->image)
                  : absent          ? ir::Type::of(declared.elem, feature->array.shape)
                                    : declared;
  if (!meet(type, declared)) return unlike(input.name, type, declared);
  if (absent)
    return features[input.name] = lift.graph.add_constant(input.name, default_array(feature->array, declared.elem));
  const ValueId id = lift.graph.add_value(input.name, std::move(type));
  lift.graph.at(id).replaces_default = feature != nullptr && feature->optional;
  lift.graph.inputs.push_back(id);
  features[input.name] = id;
  return id;
}

Status read_inputs(const mil::Function& function, const mil::FunctionDescription& description,
                   std::span<const std::string> given, FeatureValues& features, MilLift& lift) {
  for (const mil::NamedType& input : function.inputs) {
    ASSAY_TRY(ir::Type type, ir_type(input.type));
    if (input.type.kind == mil::Type::Kind::state) {
      const ValueId id = lift.graph.add_value(input.name, std::move(type));
      lift.scope().states()[input.name] = id;
      lift.graph.states.push_back({input.name, id, id});
      continue;
    }
    const mil::Feature* feature = feature_among(description.inputs, input.name);
    ASSAY_TRY(const ValueId id, input_value(input, feature, type, given, features, lift));
    // Callers give pixels, models before this one other numbers; operations read the type that the function declares.
    lift.begin("input", input.name);
    lift.scope().define(input.name,
                        is_image(feature) ? image_read(lift, feature->image, id, type.elem) : lift.cast(id, type.elem));
    ASSAY_CHECK(lift.status());
  }
  return {};
}

Status give_outputs(const mil::Block& body, const mil::FunctionDescription& interface, FeatureValues& features,
                    MilLift& lift, Warnings& warnings) {
  for (const std::string& output : body.outputs) {
    const ValueId id = lift.scope().find(output);
    if (id == ir::kNoValue) return Error{Code::model_invalid, "nothing defines the output '" + output + "'"};
    lift.begin("output", output);
    const mil::Feature* feature = feature_among(interface.outputs, output);
    features[output] = is_image(feature) ? image_given(lift, *feature, id, warnings) : id;
    ASSAY_CHECK(lift.status());
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

namespace {
std::string function_name(const mil::Description& description, const std::string& asked) {
  return asked.empty() ? mil::default_function_of(description) : asked;
}

Result<const mil::Function*> function_of(const mil::Program& program, const std::string& wanted) {
  const mil::Function* function = mil::find(program.functions, wanted);
  if (function == nullptr)
    return Error{Code::model_invalid, "the program has no function '" + wanted + "'", "", "name one that it has"};
  if (mil::find_opset(function->opset) == nullptr || function->body() == nullptr)
    return Error{Code::opset_unsupported,
                 "function '" + wanted + "' is written in operator set '" + function->opset + "'", "",
                 "CoreML5 to CoreML9 are read"};
  return function;
}
}  // namespace

Status lift_function(const mil::Program& program, const mil::Description& description, const std::string& name,
                     std::span<const std::string> given, ir::Unknown unknown, ir::Graph& graph, FeatureValues& features,
                     Warnings& warnings) {
  const std::string wanted = function_name(description, name);
  const mil::FunctionDescription& interface = interface_of(description, wanted);
  ASSAY_TRY(const mil::Function* function, function_of(program, wanted));
  const size_t states = graph.states.size();
  MilScope scope(graph);
  MilLift lift(graph, scope, mil::find_opset(function->opset)->spec_version);
  lift.unknown = unknown;
  ASSAY_CHECK(read_inputs(*function, interface, given, features, lift));
  ASSAY_CHECK(lift_operations(function->body()->operations, lift));
  ASSAY_CHECK(give_outputs(*function->body(), interface, features, lift, warnings));
  for (size_t i = states; i < graph.states.size(); ++i) graph.states[i].after = scope.states().at(graph.states[i].name);
  return {};
}

Result<ir::Graph> lift_program(const mil::Program& program, const mil::Description& description,
                               const std::string& name, std::span<const std::string> given, Warnings& warnings,
                               ir::Unknown unknown) {
  ir::Graph graph;
  graph.name = function_name(description, name);
  FeatureValues features;
  ASSAY_CHECK(lift_function(program, description, name, given, unknown, graph, features, warnings));
  GraphBuilder builder(graph);
  for (const std::string& output : mil::find(program.functions, graph.name)->body()->outputs) {
    ValueId id = features.at(output);
    builder.begin("output", output);
    // An output has a value of its own: what is an input, a constant or output under another name is copied.
    const bool taken = std::ranges::find(graph.outputs, id) != graph.outputs.end();
    if (graph.at(id).producer == ir::kNoOp || taken) id = builder.op("Identity", {id});
    builder.rename_output(id, output);
    graph.outputs.push_back(id);
  }
  for (const auto& [key, value] : description.metadata.user) graph.metadata[key] = value;
  return graph;
}

}  // namespace assay::coreml
