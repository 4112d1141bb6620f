#include "audit/repair/cost.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "audit/search/units.h"

namespace assay::audit {
namespace {

constexpr uint64_t kMore = 2;      // bytes of a float32 beyond those of a 16-bit number
constexpr uint64_t kCast = 2 + 4;  // bytes that casting one element reads and writes

uint64_t elements(const ir::Value& value) {
  if (value.constant) return static_cast<uint64_t>(value.constant->size());
  uint64_t n = 1;
  if (value.type.ranked())
    for (const ir::Dim& dim : *value.type.shape) n *= dim.known() ? static_cast<uint64_t>(dim.value) : 1;
  return n;
}

/// Size of one dimension, counted from the end; 1 where it is not known.
uint64_t from_end(const ir::Value& value, size_t back) {
  if (!value.type.ranked() || value.type.shape->size() < back) return 1;
  const ir::Dim& dim = (*value.type.shape)[value.type.shape->size() - back];
  return dim.known() ? static_cast<uint64_t>(dim.value) : 1;
}

uint64_t results(const ir::Graph& graph, const ir::Op& op) {
  return op.outputs.empty() || op.outputs[0] == ir::kNoValue ? 0 : elements(graph.at(op.outputs[0]));
}

uint64_t of_product(const ir::Graph& graph, const ir::Op& op) {
  const bool transposed = op.type == "Gemm" && op.attr_int("transA", 0) != 0;
  return results(graph, op) * from_end(graph.at(op.inputs[0]), transposed ? 2 : 1);
}

uint64_t of_convolution(const ir::Graph& graph, const ir::Op& op) {
  const ir::Value& weights = graph.at(op.inputs[1]);
  const size_t rank = weights.type.ranked() ? weights.type.shape->size() : 0;
  const uint64_t first = rank == 0 ? 1 : std::max<uint64_t>(1, from_end(weights, rank));
  const uint64_t each = elements(weights) / first;
  return each * (op.type == "Conv" ? results(graph, op) : elements(graph.at(op.inputs[0])));
}

struct Rule {
  std::string_view type;
  uint64_t (*count)(const ir::Graph& graph, const ir::Op& op);
};
constexpr std::array kRules = {Rule{"MatMul", of_product}, Rule{"Gemm", of_product}, Rule{"Conv", of_convolution},
                               Rule{"ConvTranspose", of_convolution}};

uint64_t multiply_adds(const ir::Graph& graph, const ir::Op& op) {
  const auto rule = std::ranges::find(kRules, op.type, &Rule::type);
  const bool operands = op.has_input(0) && op.has_input(1);
  return rule != kRules.end() && op.domain.empty() && operands ? rule->count(graph, op) : results(graph, op);
}

uint64_t more_bytes(const ir::Graph& graph, const ir::Op& op) {
  uint64_t n = 0;
  for (const ir::ValueId v : op.inputs)
    if (v != ir::kNoValue && graph.at(v).constant && is_stored_float(graph.at(v))) n += elements(graph.at(v));
  for (const ir::ValueId v : op.outputs)
    if (v != ir::kNoValue && is_stored_float(graph.at(v))) n += elements(graph.at(v));
  return kMore * n;
}

}  // namespace

Cost cost_of(const ir::Graph& graph, const std::vector<bool>& kept) {
  Cost cost;
  std::vector<bool> by_kept(graph.values.size()), by_lowered(graph.values.size());
  for (size_t k = 0; k < graph.ops.size(); ++k) {
    const ir::Op& op = graph.ops[k];
    for (const ir::ValueId v : op.inputs)
      if (v != ir::kNoValue) (kept[k] ? by_kept : by_lowered)[v] = true;
    if (!kept[k]) continue;
    cost.bytes += more_bytes(graph, op);
    cost.multiply_adds += multiply_adds(graph, op);
  }
  for (ir::ValueId v = 0; v < graph.values.size(); ++v) {
    const ir::Value& value = graph.at(v);
    if (value.constant || value.producer == ir::kNoOp || !is_stored_float(value)) continue;
    const bool crosses = kept[value.producer] ? by_lowered[v] : by_kept[v];
    if (!crosses) continue;
    ++cost.casts;
    cost.cast_bytes += kCast * elements(value);
  }
  return cost;
}

}  // namespace assay::audit
