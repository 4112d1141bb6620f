#include "ops/compose.h"

#include <utility>

#include "ops/propagate.h"
#include "ops/signature.h"

namespace assay::ops {
namespace {

std::string origin_of(const ir::Op& node) { return (node.domain.empty() ? "" : node.domain + ".") + node.type; }

}  // namespace

Compose::Compose(UpgradeContext& context) : context_(context), node_(context.op) {}

int64_t Compose::extent(Id id, int64_t k) const {
  if (!ranked(id)) return -1;
  const int64_t axis = k < 0 ? k + rank(id) : k;
  return axis < 0 || axis >= rank(id) ? -1 : (*type(id).shape)[static_cast<size_t>(axis)].value;
}

void Compose::write(std::string_view type, std::vector<Id> inputs, std::vector<ir::Attr> attrs,
                    std::vector<Id> outputs) {
  ir::Op made{.domain = "", .type = std::string(type), .name = node_.name, .origin = origin_of(node_)};
  made.inputs = std::move(inputs);
  while (!made.inputs.empty() && made.inputs.back() == ir::kNoValue) made.inputs.pop_back();
  made.outputs = std::move(outputs);
  made.attrs = std::move(attrs);
  made.def = find_op("", type);
  // What contradicts is reported by the inference pass, as for every operation.
  (void)propagate(context_.graph, made, context_.graph.values);
  made_.push_back(std::move(made));
}

std::vector<Compose::Id> Compose::several(std::string_view type, std::vector<Id> inputs, size_t results,
                                          std::vector<ir::Attr> attrs) {
  std::vector<Id> outputs;
  for (size_t i = 0; i < results; ++i) outputs.push_back(context_.graph.add_value(context_.graph.fresh_name(type), {}));
  write(type, std::move(inputs), std::move(attrs), outputs);
  return outputs;
}

Compose::Id Compose::op(std::string_view type, std::vector<Id> inputs, std::vector<ir::Attr> attrs) {
  return several(type, std::move(inputs), 1, std::move(attrs)).front();
}

void Compose::give(size_t output, Id value) {
  if (!wants(output)) return;
  ir::Graph& graph = context_.graph;
  const Id result = node_.outputs[output];
  const bool newest = !made_.empty() && made_.back().outputs == std::vector{value} && value + 1 == graph.values.size();
  if (!newest) return write("Identity", {value}, {}, {result});
  graph.at(result).type = graph.at(value).type;
  graph.at(result).constant = graph.at(value).constant;
  made_.back().outputs = {result};
  graph.values.pop_back();  // nobody has seen it
}

Compose::Id Compose::ints(const ir::Dims& values) { return context_.constant(ir::Tensor::of_ints(values)); }

Compose::Id Compose::number(double value, Id like) {
  const ir::ElemType elem = type(like).elem;
  // Types of function inputs may not be known yet.
  if (elem == ir::ElemType::undefined)
    return op("CastLike", {context_.constant(ir::Tensor::scalar(static_cast<float>(value))), like});
  ir::Tensor scalar = ir::Tensor::allocate(elem, {});
  if (ir::is_float(elem))
    scalar.set_float(0, value);
  else
    scalar.set_int(0, static_cast<int64_t>(value));
  return context_.constant(std::move(scalar));
}

Compose::Id Compose::slice(Id x, int64_t axis, int64_t from, int64_t to) {
  return slice(x, axis, ints({from}), ints({to}));
}
Compose::Id Compose::slice(Id x, int64_t axis, Id from, Id to) { return op("Slice", {x, from, to, ints({axis})}); }

Compose::Id Compose::shape(Id x, int64_t from, int64_t to) { return op("Shape", {x}, {{"start", from}, {"end", to}}); }

Error Compose::refuse(std::string message, std::string remedy) const {
  return Error{Code::op_unsupported, std::move(message), context_.graph.describe(node_), std::move(remedy)};
}

Status Compose::finish() {
  for (size_t i = 0; i < node_.outputs.size(); ++i) {
    if (!wants(i)) continue;
    bool written = false;
    for (const ir::Op& made : made_)
      for (const Id id : made.outputs) written = written || id == node_.outputs[i];
    if (!written) return refuse("output " + std::to_string(i) + " is not computed by Assay", "leave the output out");
  }
  if (made_.empty()) return Error{Code::internal, "nothing was composed", context_.graph.describe(node_), ""};
  context_.op = std::move(made_.back());
  made_.pop_back();
  for (ir::Op& made : made_) context_.before.push_back(std::move(made));
  context_.version = INT_MAX;  // what was built has the newest meaning
  return {};
}

Status compose_node(UpgradeContext& context, ComposeRule rule) {
  ASSAY_CHECK(check_signature(context.graph, context.op, context.graph.values));
  Compose compose(context);
  ASSAY_CHECK(rule(compose));
  return compose.finish();
}

}  // namespace assay::ops
