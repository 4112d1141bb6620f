#include <algorithm>
#include <unordered_map>

#include "coreml/lift/missing.h"
#include "coreml/lift/nn_tables.h"
#include "coreml/lift/program.h"
#include "coreml/lift/scope.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

const std::unordered_map<std::string_view, const NnRow*>& rows_by_kind() {
  static const auto* const kByKind = [] {
    auto* map = new std::unordered_map<std::string_view, const NnRow*>;
    for (const NnRow* row : nn_rows()) map->emplace(row->kind, row);
    return map;
  }();
  return *kByKind;
}

std::optional<ElemType> elem_of(mil::ArrayType type) {
  switch (type) {
    case mil::ArrayType::float16:
      return ElemType::float16;
    case mil::ArrayType::float32:
      return ElemType::float32;
    case mil::ArrayType::float64:
      return ElemType::float64;
    case mil::ArrayType::int8:
      return ElemType::int8;
    case mil::ArrayType::int32:
      return ElemType::int32;
    default:
      return std::nullopt;
  }
}

std::vector<ir::Dim> shape_of(const mil::ArrayFeature& array) {
  std::vector<ir::Dim> dims;
  const size_t rank = !array.ranges.empty() ? array.ranges.size() : array.shape.size();
  for (size_t i = 0; i < rank; ++i) {
    const bool fixed = array.ranges.empty() || (array.ranges[i].upper >= 0 &&
                                                static_cast<uint64_t>(array.ranges[i].upper) == array.ranges[i].lower);
    dims.push_back(!fixed                  ? ir::Dim()
                   : !array.ranges.empty() ? ir::Dim(array.ranges[i].upper)
                                           : ir::Dim(array.shape[i]));
  }
  for (const mil::Dims& other : array.enumerated)
    for (size_t i = 0; i < dims.size() && i < other.size(); ++i)
      if (dims[i].known() && dims[i].value != other[i]) dims[i] = ir::Dim();
  return dims;
}

/// What layers see of an array input: float32, with five axes under the legacy mapping.
Status array_input(const mil::Feature& feature, bool exact, NnLift& lift, NnScope& scope) {
  const auto elem = elem_of(feature.array.type);
  if (!elem) return Error{Code::model_invalid, "input '" + feature.name + "' has no known element type"};
  std::vector<ir::Dim> dims = shape_of(feature.array);
  const size_t rank = dims.size();
  const ValueId id = lift.graph.add_value(feature.name, ir::Type::tensor(*elem, std::move(dims)));
  lift.graph.inputs.push_back(id);
  lift.begin("input", feature.name);
  ValueId seen = lift.cast(id, ElemType::float32);
  if (!exact) {
    if (rank != 1 && rank != 3)
      return Error{Code::model_invalid, "input '" + feature.name + "' has " + std::to_string(rank) +
                                            " axes; the legacy mapping takes 1 or 3"};
    seen = lift.unsqueeze(seen, rank == 1 ? ir::Dims{0, 1, 3, 4} : ir::Dims{0, 1});
  }
  scope.define(feature.name, seen);
  return lift.status();
}

/// The declared shape where the layers' result has more axes (the legacy mapping's five).
Status array_output(const mil::Feature& feature, NnLift& lift, NnScope& scope) {
  ValueId id = scope.find(feature.name);
  if (id == ir::kNoValue) return Error{Code::model_invalid, "no layer writes the output '" + feature.name + "'"};
  const auto elem = elem_of(feature.array.type).value_or(ElemType::float32);
  const std::vector<ir::Dim> dims = shape_of(feature.array);
  lift.begin("output", feature.name);
  const bool fixed = !dims.empty() && std::ranges::all_of(dims, &ir::Dim::known);
  if (fixed && lift.rank(id) >= 0 && lift.rank(id) != static_cast<int64_t>(dims.size())) {
    ir::Dims wanted;
    for (const ir::Dim& d : dims) wanted.push_back(d.value);
    id = lift.reshape(id, wanted);
  }
  id = lift.cast(id, elem);
  if (lift.graph.at(id).producer == ir::kNoOp) id = lift.op("Identity", {id});
  ASSAY_CHECK(lift.status());
  lift.rename_output(id, feature.name);
  lift.graph.at(id).unstated = false;
  lift.graph.outputs.push_back(id);
  return {};
}

}  // namespace

std::vector<const NnRow*> nn_rows() {
  std::vector<const NnRow*> rows;
  for (const auto table : kNnTables)
    for (const NnRow& row : table()) rows.push_back(&row);
  std::ranges::sort(rows, {}, &NnRow::kind);
  return rows;
}

Status lift_layers(const std::vector<mil::Layer>& layers, NnLift& lift) {
  Missing missing;
  for (const mil::Layer& layer : layers)
    if (layer.kind == nullptr || !rows_by_kind().contains(layer.kind->name))
      missing.add(layer.kind == nullptr ? "a layer of unknown kind" : std::string(layer.kind->name), layer.name);
  ASSAY_CHECK(missing.status());
  for (const mil::Layer& layer : layers) {
    lift.start(layer);
    rows_by_kind().at(layer.kind->name)->lift(lift);
    ASSAY_CHECK(lift.status());
  }
  return {};
}

Result<ir::Graph> lift_network(const mil::NetworkModel& model, const mil::Description& description, Warnings&) {
  ir::Graph graph;
  graph.name = "network";
  NnScope scope(graph);
  NnLift lift(graph, scope);
  for (const mil::Feature& feature : description.main.inputs) {
    if (feature.kind != mil::Feature::Kind::array)
      return Error{Code::type_unsupported, "input '" + feature.name + "' is no array"};
    ASSAY_CHECK(array_input(feature, model.network.exact_arrays, lift, scope));
  }
  for (const mil::Feature& feature : description.main.outputs) graph.reserve_name(feature.name);
  ASSAY_CHECK(lift_layers(model.network.layers, lift));
  for (const mil::Feature& feature : description.main.outputs)
    if (feature.kind == mil::Feature::Kind::array) ASSAY_CHECK(array_output(feature, lift, scope));
  for (const auto& [key, value] : description.metadata.user) graph.metadata[key] = value;
  return graph;
}

}  // namespace assay::coreml
