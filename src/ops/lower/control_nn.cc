// If and Loop as branch and loop: graphs among attributes become nested networks, which write blobs of the network
// around them.
#include "ops/lower/families.h"
#include "ops/lower/nn.h"

namespace assay::ops {
namespace {

constexpr size_t kCarried = 2;                      // inputs of Loop and of its body before what is carried
constexpr int64_t kMostCounted = int64_t{1} << 24;  // float32 counts no further by ones

void copy(NnBuilder& builder, const std::string& from, const std::string& to) {
  builder.add("copy", {from}, {to}, NnContext::params("copy"));
}

std::shared_ptr<mil::Network> network_of(NnBuilder& builder) {
  return std::make_shared<mil::Network>(std::move(builder.network()));
}

/// A layer whose results only exist by what its networks write.
void add_control(NnContext& c, std::string_view kind, std::vector<std::string> inputs, mil::Message params) {
  c.builder.add(kind, std::move(inputs), {}, std::move(params));
}

}  // namespace

Status if_to_nn(NnContext& c) {
  const std::string condition = c.in(0);
  std::vector<std::string> names;
  for (const ir::ValueId id : c.op.outputs)
    names.push_back(id == ir::kNoValue ? std::string() : c.builder.names().of(c.graph.at(id).name));
  mil::Message params = c.params("branch");
  for (const bool then : {true, false}) {
    const ir::Graph& graph = *c.op.attr_graph(then ? "then_branch" : "else_branch");
    NnBuilder inner(graph, c.builder);
    ASSAY_CHECK(inner.lower());
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) continue;
      ASSAY_TRY(const std::string blob, inner.value(graph.outputs[i]));
      copy(inner, blob, names[i]);
    }
    params.set(then ? "ifBranch" : "elseBranch", network_of(inner));
  }
  ASSAY_CHECK(c.status());
  add_control(c, "branch", {condition}, std::move(params));
  for (size_t i = 0; i < names.size(); ++i)
    if (!names[i].empty()) c.builder.bind(c.op.outputs[i], names[i]);
  return {};
}

namespace {

/// The number of iterations that a loop must not pass; empty where there is none.
Result<std::string> limit(NnContext& c) {
  const ir::Tensor* known = c.constant(0);
  if (!c.has(0) || (known != nullptr && known->size() == 1 && known->int_at(0) == INT64_MAX)) return std::string();
  if (known != nullptr && known->size() == 1 && known->int_at(0) > kMostCounted)
    return c.refuse("more iterations than float32 counts");
  return c.in(0);
}

/// iteration < limit and condition, as the blob that the layer asks.
std::shared_ptr<mil::Network> condition_network(NnContext& c, const std::vector<std::string>& variables,
                                                const std::string& most, const std::string& holds) {
  NnBuilder inner(*c.op.attr_graph("body"), c.builder);
  if (most.empty()) {
    copy(inner, variables[1], holds);
  } else {
    const std::string below = c.builder.names().fresh("loop_below");
    inner.add("lessThan", {variables[0], most}, {below}, c.params("lessThan"));
    inner.add("logicalAnd", {variables[1], below}, {holds}, c.params("logicalAnd"));
  }
  return network_of(inner);
}

/// Runs the body and then writes all variables at once: what one is made of may be another.
Result<std::shared_ptr<mil::Network>> body_network(NnContext& c, const std::vector<std::string>& variables) {
  const ir::Graph& body = *c.op.attr_graph("body");
  NnBuilder inner(body, c.builder);
  for (size_t i = 0; i < variables.size(); ++i) inner.bind(body.inputs[i], variables[i]);
  ASSAY_CHECK(inner.lower());
  std::vector<std::string> next = {c.builder.names().fresh("loop_next")};
  const std::string one = c.builder.names().fresh("one");
  inner.add("loadConstantND", {}, {one},
            c.params("loadConstantND").set("shape", ir::Dims{1}).set("data", c.weights(std::vector<float>{1})));
  inner.add("addBroadcastable", {variables[0], one}, {next[0]}, c.params("addBroadcastable"));
  for (size_t i = 1; i < variables.size(); ++i) {
    ASSAY_TRY(const std::string blob, inner.value(body.outputs[i - 1]));
    next.push_back(c.builder.names().fresh("loop_next"));
    copy(inner, blob, next.back());
  }
  for (size_t i = 0; i < variables.size(); ++i) copy(inner, next[i], variables[i]);
  return network_of(inner);
}

}  // namespace

Status loop_to_nn(NnContext& c) {
  const ir::Graph& body = *c.op.attr_graph("body");
  const size_t carried = c.input_count() > kCarried ? c.input_count() - kCarried : 0;
  for (size_t i = carried; i < c.op.outputs.size(); ++i)
    if (c.wants(i)) return c.refuse("values that iterations stack up (scan outputs)");
  ASSAY_TRY(const std::string most, limit(c));
  std::vector<std::string> variables;
  for (size_t i = 0; i < kCarried + carried; ++i) {
    const std::string first = i == 0 ? c.number(0) : i == 1 && !c.has(1) ? c.number(1) : c.in(i);
    variables.push_back(c.builder.names().fresh(body.at(body.inputs[i]).name));
    copy(c.builder, first, variables.back());
  }
  const std::string holds = c.builder.names().fresh("loop_condition");
  mil::Message params = c.params("loop");
  params.set("conditionVar", holds);
  params.set("conditionNetwork", condition_network(c, variables, most, holds));
  ASSAY_TRY(std::shared_ptr<mil::Network> iteration, body_network(c, variables));
  params.set("bodyNetwork", std::move(iteration));
  ASSAY_CHECK(c.status());
  add_control(c, "loop", {}, std::move(params));
  for (size_t i = 0; i < carried; ++i) {
    if (!c.wants(i)) continue;
    const std::string name = c.builder.names().of(c.graph.at(c.op.outputs[i]).name);
    copy(c.builder, variables[kCarried + i], name);
    c.builder.bind(c.op.outputs[i], name);
  }
  return {};
}

}  // namespace assay::ops
