#include "ir/verify.h"

#include <algorithm>
#include <unordered_set>

namespace assay::ir {
namespace {

struct Context {
  const Graph& g;
  const Graph* outer;
};
/// Where the rule is broken; empty when it holds.
using Check = std::string (*)(const Context& c);

std::string op_place(const Graph& g, size_t i) { return "op #" + std::to_string(i) + " " + g.describe(g.ops[i]); }
bool exists(const Graph& g, ValueId v) { return v < g.values.size(); }

std::string ids_exist(const Context& c) {
  const Graph& g = c.g;
  for (const auto* list : {&g.inputs, &g.outputs})
    for (const ValueId v : *list)
      if (!exists(g, v)) return "inputs and outputs";
  for (const State& state : g.states)
    if (!exists(g, state.before) || !exists(g, state.after)) return "state '" + state.name + "'";
  for (const auto& [inner, outside] : g.captures)
    if (!exists(g, inner) || (c.outer && !exists(*c.outer, outside))) return "captures";
  for (size_t i = 0; i < g.ops.size(); ++i)
    for (const auto* list : {&g.ops[i].inputs, &g.ops[i].outputs})
      for (const ValueId v : *list)
        if (v != kNoValue && !exists(g, v)) return op_place(g, i);
  return {};
}

std::string names_differ(const Context& c) {
  std::unordered_set<std::string_view> seen;
  for (const Value& v : c.g.values)
    if (v.name.empty() || !seen.insert(v.name).second) return "value '" + v.name + "'";
  return {};
}

std::string written_once(const Context& c) {
  std::vector<int> writers(c.g.values.size());
  for (const ValueId v : c.g.inputs) ++writers[v];
  for (const State& state : c.g.states) ++writers[state.before];
  for (const auto& [inner, outside] : c.g.captures) ++writers[inner];
  for (const Op& op : c.g.ops)
    for (const ValueId v : op.outputs)
      if (v != kNoValue) ++writers[v];
  for (ValueId v = 0; v < writers.size(); ++v)
    if (writers[v] > 1) return "value '" + c.g.at(v).name + "'";
  return {};
}

/// Values that exist before any operation runs.
std::vector<bool> given(const Graph& g) {
  std::vector<bool> known(g.values.size());
  for (ValueId v = 0; v < g.values.size(); ++v) known[v] = g.at(v).constant != nullptr;
  for (const ValueId v : g.inputs) known[v] = true;
  for (const State& state : g.states) known[state.before] = true;
  for (const auto& [inner, outside] : g.captures) known[inner] = true;
  return known;
}

std::string read_after_written(const Context& c) {
  std::vector<bool> known = given(c.g);
  for (size_t i = 0; i < c.g.ops.size(); ++i) {
    for (const ValueId v : c.g.ops[i].inputs)
      if (v != kNoValue && !known[v]) return op_place(c.g, i) + " reads '" + c.g.at(v).name + "'";
    for (const ValueId v : captured_by(c.g.ops[i]))
      if (exists(c.g, v) && !known[v]) return op_place(c.g, i) + " captures '" + c.g.at(v).name + "'";
    for (const ValueId v : c.g.ops[i].outputs)
      if (v != kNoValue) known[v] = true;
  }
  for (const ValueId v : c.g.outputs)
    if (!known[v]) return "output '" + c.g.at(v).name + "'";
  for (const State& state : c.g.states)
    if (!known[state.after]) return "state '" + state.name + "'";
  return {};
}

std::string producers_match(const Context& c) {
  std::vector<OpId> writer(c.g.values.size(), kNoOp);
  for (size_t i = 0; i < c.g.ops.size(); ++i)
    for (const ValueId v : c.g.ops[i].outputs)
      if (v != kNoValue) writer[v] = static_cast<OpId>(i);
  for (ValueId v = 0; v < writer.size(); ++v)
    if (writer[v] != c.g.at(v).producer) return "value '" + c.g.at(v).name + "'";
  return {};
}

std::string constants_have_their_type(const Context& c) {
  for (const Value& v : c.g.values)
    if (v.constant && !(v.type == Type::of(v.constant->elem(), v.constant->dims()))) return "value '" + v.name + "'";
  return {};
}

std::string containers_hold_something(const Context& c) {
  for (const Value& v : c.g.values)
    if (v.type.kind != Type::Kind::tensor && !v.type.element) return "value '" + v.name + "'";
  return {};
}

std::string resolved_means_stored(const Context& c) {
  if (!c.g.resolved) return {};
  for (const Op& op : c.g.ops)
    for (const ValueId v : op.outputs)
      if (v != kNoValue && c.g.at(v).storage == ElemType::undefined && c.g.at(v).type.elem != ElemType::undefined)
        return "value '" + c.g.at(v).name + "'";
  return {};
}

/// A session keeps the tensor as it is from one run to the next.
std::string states_fit(const Context& c) {
  for (const State& state : c.g.states) {
    const Value &before = c.g.at(state.before), &after = c.g.at(state.after);
    if (c.outer || state.name.empty() || before.constant || before.type.elem != after.type.elem ||
        before.storage != after.storage)
      return "state '" + state.name + "'";
  }
  return {};
}

std::string attributes_differ(const Context& c) {
  for (size_t i = 0; i < c.g.ops.size(); ++i) {
    std::unordered_set<std::string_view> seen;
    for (const Attr& a : c.g.ops[i].attrs)
      if (!seen.insert(a.name).second) return op_place(c.g, i) + " attribute '" + a.name + "'";
  }
  return {};
}

/// Folding may have made constants of what operations wrote.
std::string layers_keep_to_themselves(const Context& c) {
  const std::vector<bool> seen = seen_outside_layer(c.g);
  for (ValueId v = 0; v < seen.size(); ++v)
    if (c.g.at(v).inside && !c.g.at(v).constant && seen[v]) return "value '" + c.g.at(v).name + "'";
  return {};
}

struct Row {
  Rule rule;
  Check check;
};
constexpr Row kRows[] = {
    {{"ir_v1", "every id names a value of its graph"}, ids_exist},
    {{"ir_v2", "values have names, no two the same one"}, names_differ},
    {{"ir_v3", "a value is written once: by an operation, as an input, as a state or as a capture"}, written_once},
    {{"ir_v4", "operations, graphs inside them and outputs read what is written before them"}, read_after_written},
    {{"ir_v5", "Value::producer is the operation that writes the value"}, producers_match},
    {{"ir_v6", "a constant's type is that of its tensor"}, constants_have_their_type},
    {{"ir_v7", "sequence, optional and map types say what they hold"}, containers_hold_something},
    {{"ir_v8", "in a resolved graph every value that an operation writes has its storage type"}, resolved_means_stored},
    {{"ir_v9", "an operation has an attribute once"}, attributes_differ},
    {{"ir_v10", "states are the outermost graph's; what is kept has the type of what is read"}, states_fit},
    {{"ir_v11", "what is inside a layer is written by one of its operations and read by them alone"},
     layers_keep_to_themselves},
};

Status verify_in(const Graph& g, const Graph* outer) {
  for (const Row& row : kRows)
    if (std::string where = row.check({g, outer}); !where.empty())
      return Error{Code::internal, std::string(row.rule.label) + ": " + std::string(row.rule.says), std::move(where),
                   ""};
  Status status;
  for (const Op& op : g.ops)
    for_each_nested(op, [&](const Graph& inner) {
      if (status.ok()) status = verify_in(inner, &g);
    });
  return status;
}

}  // namespace

std::span<const Rule> verifier_rules() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> out;
    for (const Row& row : kRows) out.push_back(row.rule);
    return out;
  }();
  return rules;
}

Status verify(const Graph& graph) { return verify_in(graph, nullptr); }

}  // namespace assay::ir
