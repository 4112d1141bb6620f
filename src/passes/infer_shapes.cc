#include "passes/infer_shapes.h"

#include <algorithm>
#include <ranges>
#include <unordered_map>
#include <utility>

#include "base/checked.h"
#include "base/limits.h"
#include "ops/infer.h"
#include "ops/propagate.h"
#include "ops/signature.h"
#include "passes/inline_branch.h"
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

/// Types of the inputs of nested graphs, widened so far. Kept while the graphs around them are inferred again, so that
/// loops inside loops do not multiply.
struct Widened {
  std::shared_ptr<const ir::Graph> source;  ///< keeps the key of its entry alive
  std::vector<ir::Type> types;
};
struct Nesting {
  std::unordered_map<const ir::Graph*, Widened> widened;
  size_t inferred = 0;  ///< operations of nested graphs, each time that they are inferred
};
/// Beyond this a file was made to keep us busy.
constexpr size_t kMostNestedOps = 5'000'000;

Status infer(ir::Graph& g, Nesting& nesting);

/// A copy of `source` (graphs are shared between copies of the graph around them) that knows what it captures.
std::shared_ptr<ir::Graph> bound_copy(const ir::Graph& outer, const ir::Graph& source) {
  auto copy = std::make_shared<ir::Graph>(source);
  for (const auto& [inside, outside] : copy->captures) {
    ir::Value& v = copy->at(inside);
    v.type = outer.at(outside).type;
    v.constant = outer.at(outside).constant;
  }
  return copy;
}

Status infer_nested(const ir::Graph& outer, const ir::Op& op, std::shared_ptr<ir::Graph>& graph, Nesting& nesting) {
  const std::shared_ptr<const ir::Graph> source = graph;
  const auto widen = op.def ? op.def->nested_inputs : nullptr;
  std::vector<const ir::Value*> inputs;
  for (const ir::ValueId v : op.inputs) inputs.push_back(v == ir::kNoValue ? nullptr : &outer.at(v));
  ops::InferContext context(outer, op, std::move(inputs));
  Widened& known = nesting.widened[source.get()];
  known.source = source;
  std::vector<ir::Type> types;
  if (widen) ASSAY_CHECK(widen(context, nullptr, types));
  for (size_t i = 0; i < types.size() && i < known.types.size(); ++i)
    types[i] = ops::join_types(types[i], known.types[i]).value_or(types[i]);
  while (true) {
    graph = bound_copy(outer, *source);
    for (size_t i = 0; i < types.size() && i < graph->inputs.size(); ++i) graph->at(graph->inputs[i]).type = types[i];
    known.types = types;
    nesting.inferred += source->ops.size() + 1;
    if (nesting.inferred > kMostNestedOps)
      return Error{Code::limit_exceeded, "loops inside loops take too long to infer", outer.describe(op),
                   "check the export"};
    ASSAY_CHECK(infer(*graph, nesting));
    if (widen) ASSAY_CHECK(widen(context, graph.get(), types));
    if (types == known.types) return {};
  }
}

Status infer_nested(const ir::Graph& outer, ir::Op& op, Nesting& nesting) {
  if (!ir::has_nested(op)) return {};
  if (op.def) ASSAY_CHECK(ops::check_signature(outer, op, outer.values));
  for (ir::Attr& a : op.attrs) {
    if (auto* one = std::get_if<std::shared_ptr<ir::Graph>>(&a.value))
      ASSAY_CHECK(infer_nested(outer, op, *one, nesting));
    if (auto* many = std::get_if<std::vector<std::shared_ptr<ir::Graph>>>(&a.value))
      for (auto& graph : *many) ASSAY_CHECK(infer_nested(outer, op, graph, nesting));
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

Status infer(ir::Graph& g, Nesting& nesting) {
  PartialValues partial;
  // Operations are appended as they are inferred: a branch that is known to be taken takes the place of its If.
  std::vector<ir::Op> waiting = std::exchange(g.ops, {});
  std::ranges::reverse(waiting);
  while (!waiting.empty()) {
    ir::Op op = std::move(waiting.back());
    waiting.pop_back();
    if (inline_branch(g, op, waiting)) continue;
    ASSAY_CHECK(infer_nested(g, op, nesting));
    ASSAY_TRY(const bool known, ops::propagate(g, op, g.values));
    if (!known) partial.follow(g, op);
    ASSAY_CHECK(check_sizes(g, op));
    g.ops.push_back(std::move(op));
  }
  g.relink();
  drop_folded(g);
  return {};
}

}  // namespace

Status infer_shapes(ir::Graph& g) {
  return within_memory("the model's constants", [&]() -> Status {
    Nesting nesting;
    return infer(g, nesting);
  });
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
