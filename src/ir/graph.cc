#include "ir/graph.h"

#include <algorithm>

namespace assay::ir {
namespace {
template <class T>
const T* get(const Op& op, std::string_view name) {
  const AttrValue* value = op.find_attr(name);
  return value ? std::get_if<T>(value) : nullptr;
}
template <class T>
T get_or(const Op& op, std::string_view name, T fallback) {
  const T* value = get<T>(op, name);
  return value ? *value : std::move(fallback);
}
}  // namespace

const AttrValue* Op::find_attr(std::string_view attr) const {
  for (const Attr& a : attrs)
    if (a.name == attr) return &a.value;
  return nullptr;
}

int64_t Op::attr_int(std::string_view attr, int64_t fallback) const { return get_or<int64_t>(*this, attr, fallback); }
float Op::attr_float(std::string_view attr, float fallback) const { return get_or<float>(*this, attr, fallback); }
std::string Op::attr_string(std::string_view attr, std::string_view fallback) const {
  return get_or<std::string>(*this, attr, std::string(fallback));
}
std::vector<int64_t> Op::attr_ints(std::string_view attr, std::vector<int64_t> fallback) const {
  return get_or<std::vector<int64_t>>(*this, attr, std::move(fallback));
}
std::vector<float> Op::attr_floats(std::string_view attr, std::vector<float> fallback) const {
  return get_or<std::vector<float>>(*this, attr, std::move(fallback));
}
std::vector<std::string> Op::attr_strings(std::string_view attr) const {
  return get_or<std::vector<std::string>>(*this, attr, {});
}
const Tensor* Op::attr_tensor(std::string_view attr) const { return get<Tensor>(*this, attr); }

const Graph* Op::attr_graph(std::string_view attr) const {
  const auto* graph = get<std::shared_ptr<Graph>>(*this, attr);
  return graph ? graph->get() : nullptr;
}

void Op::set_attr(std::string_view attr, AttrValue value) {
  for (Attr& a : attrs) {
    if (a.name == attr) {
      a.value = std::move(value);
      return;
    }
  }
  attrs.push_back(Attr{std::string(attr), std::move(value)});
}

void Op::remove_attr(std::string_view attr) {
  std::erase_if(attrs, [&](const Attr& a) { return a.name == attr; });
}

ValueId Graph::add_value(std::string value_name, Type type) {
  Value v;
  v.name = std::move(value_name);
  v.type = std::move(type);
  values.push_back(std::move(v));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  const ValueId id = add_value(std::move(value_name), Type::of(tensor.elem(), tensor.dims()));
  values[id].constant = std::make_shared<const Tensor>(std::move(tensor));
  return id;
}

OpId Graph::add_op(Op op) {
  const auto id = static_cast<OpId>(ops.size());
  for (const ValueId v : op.outputs)
    if (v != kNoValue) values[v].producer = id;
  ops.push_back(std::move(op));
  return id;
}

std::optional<ValueId> Graph::find(std::string_view value_name) const {
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].name == value_name) return static_cast<ValueId>(i);
  return std::nullopt;
}

std::string Graph::describe(const Op& op) const {
  const std::string kind = !op.origin.empty() ? op.origin : op.domain.empty() ? op.type : op.domain + "." + op.type;
  if (!op.name.empty()) return kind + " '" + op.name + "'";
  for (const ValueId v : op.outputs)
    if (v != kNoValue) return kind + " (writes '" + values[v].name + "')";
  return kind;
}

std::string Graph::fresh_name(std::string_view stem) {
  for (; names_.seen < values.size(); ++names_.seen) names_.taken.insert(values[names_.seen].name);
  std::string candidate(stem);
  for (int& i = names_.next[candidate]; names_.taken.contains(candidate) || candidate.empty();)
    candidate = std::string(stem) + "_" + std::to_string(++i);
  names_.taken.insert(candidate);
  return candidate;
}

void Graph::reserve_name(std::string_view taken) { names_.taken.emplace(taken); }

void Graph::relink() {
  for (Value& v : values) v.producer = kNoOp;
  for (size_t i = 0; i < ops.size(); ++i)
    for (const ValueId v : ops[i].outputs)
      if (v != kNoValue) values[v].producer = static_cast<OpId>(i);
}

bool has_nested(const Op& op) {
  bool found = false;
  for_each_nested(op, [&](const Graph&) { found = true; });
  return found;
}

bool same_layer(const Op& a, const Op& b) { return !a.origin.empty() && a.origin == b.origin && a.name == b.name; }

std::vector<bool> seen_outside_layer(const Graph& graph) {
  std::vector<bool> seen(graph.values.size(), true);
  for (const Op& op : graph.ops)
    for (const ValueId v : op.outputs)
      if (v != kNoValue) seen[v] = op.origin.empty() || has_nested(op);
  for (const ValueId v : graph.outputs) seen[v] = true;
  for (const State& state : graph.states) seen[state.after] = true;
  for (const Op& op : graph.ops) {
    const bool nested = has_nested(op);
    for (const ValueId v : op.inputs)
      if (v != kNoValue && !seen[v]) seen[v] = nested || !same_layer(op, graph.ops[graph.at(v).producer]);
    for (const ValueId v : captured_by(op)) seen[v] = true;
  }
  return seen;
}

std::vector<ValueId> captured_by(const Op& op) {
  std::vector<ValueId> out;
  for_each_nested(op, [&](const Graph& inner) {
    for (const auto& [local, outside] : inner.captures) out.push_back(outside);
  });
  return out;
}

}  // namespace assay::ir
