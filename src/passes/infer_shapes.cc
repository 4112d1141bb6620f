#include "passes/infer_shapes.h"

#include <algorithm>
#include <ranges>

#include "base/checked.h"
#include "ops/propagate.h"
#include "passes/partial.h"

namespace assay::passes {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 46;

Status check_sizes(const ir::Graph& g, const ir::Op& op) {
  for (const ir::ValueId v : op.outputs) {
    if (v == ir::kNoValue || !g.at(v).type.ranked()) continue;
    const ir::Type& type = g.at(v).type;
    ir::Dims known;
    for (const ir::Dim& d : *type.shape)
      if (d.known()) known.push_back(d.value);
    if (const auto n = checked_product(known); n && *n <= kMostBytes / std::max(1, ir::elem_bits(type.elem) / 8))
      continue;
    return Error{Code::limit_exceeded, "a result of type " + to_string(type) + " is absurdly large", g.describe(op),
                 "check the shapes of the model and of its inputs"};
  }
  return {};
}

Status infer_nested(const ir::Graph& outer, std::shared_ptr<ir::Graph>& graph) {
  graph = std::make_shared<ir::Graph>(*graph);  // graphs are shared between copies of the outer one
  for (const auto& [inside, outside] : graph->captures) {
    ir::Value& v = graph->at(inside);
    v.type = outer.at(outside).type;
    v.constant = outer.at(outside).constant;
  }
  return infer_shapes(*graph);
}

Status infer_nested(const ir::Graph& outer, ir::Op& op) {
  for (ir::Attr& a : op.attrs) {
    if (auto* one = std::get_if<std::shared_ptr<ir::Graph>>(&a.value)) ASSAY_CHECK(infer_nested(outer, *one));
    if (auto* many = std::get_if<std::vector<std::shared_ptr<ir::Graph>>>(&a.value))
      for (auto& graph : *many) ASSAY_CHECK(infer_nested(outer, graph));
  }
  return {};
}

/// Operations all of whose results are known now leave; the values stay, as constants.
void drop_folded(ir::Graph& g) {
  const auto before = g.ops.size();
  std::erase_if(g.ops, [&](const ir::Op& op) {
    return std::ranges::all_of(op.outputs, [&](ir::ValueId v) { return v == ir::kNoValue || g.at(v).constant; });
  });
  if (g.ops.size() != before) g.relink();
}

}  // namespace

Status infer_shapes(ir::Graph& g) {
  PartialValues partial;
  for (ir::Op& op : g.ops) {
    ASSAY_CHECK(infer_nested(g, op));
    ASSAY_TRY(const bool known, ops::propagate(g, op, g.values));
    if (!known) partial.follow(g, op);
    ASSAY_CHECK(check_sizes(g, op));
  }
  drop_folded(g);
  return {};
}

Result<ir::Graph> specialise(const ir::Graph& graph, const std::map<std::string, ir::Dims>& shapes,
                             const std::map<std::string, ir::Tensor>& values) {
  ir::Graph g = graph;
  const auto input = [&](const std::string& name) -> Result<ir::ValueId> {
    const auto found = std::ranges::find(g.inputs, name, [&](ir::ValueId v) { return g.at(v).name; });
    if (found != g.inputs.end()) return *found;
    std::vector<std::string> names;
    for (const ir::ValueId v : g.inputs) names.push_back("'" + g.at(v).name + "'");
    std::string list;
    for (const std::string& n : names) list += (list.empty() ? "" : ", ") + n;
    return Error{Code::data_missing, "the model has no input '" + name + "'; its inputs are " + list, "",
                 "name one of these"};
  };
  const auto set = [&](ir::ValueId v, const ir::Dims& dims) -> Status {
    ir::Type& type = g.at(v).type;
    const bool fits = !type.shape || std::ranges::equal(dims, *type.shape, [](int64_t d, const ir::Dim& want) {
      return d >= 0 && (!want.known() || want.value == d);
    });
    if (!fits)
      return Error{Code::data_shape, "shape " + ir::to_string(dims) + " does not fit " + to_string(type),
                   "input '" + g.at(v).name + "'", "give a shape that the model declares"};
    type.shape.emplace(dims.begin(), dims.end());
    return {};
  };
  for (const auto& [name, dims] : shapes) {
    ASSAY_TRY(const ir::ValueId v, input(name));
    ASSAY_CHECK(set(v, dims));
  }
  for (const auto& [name, tensor] : values) {
    ASSAY_TRY(const ir::ValueId v, input(name));
    ASSAY_CHECK(set(v, tensor.dims()));
    g.at(v).constant = std::make_shared<const ir::Tensor>(tensor);
  }
  ASSAY_CHECK(infer_shapes(g));
  for (const auto& [name, tensor] : values) g.at(*input(name)).constant.reset();
  return g;
}

}  // namespace assay::passes
