#include "backends/provider_use.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace assay::backends {
namespace {

std::string kind_of(const ir::Op& op) { return op.domain.empty() ? op.type : op.domain + "." + op.type; }

std::string counted(size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

bool computes_float32(const ir::Graph& graph, const ir::Op& op) {
  return std::ranges::any_of(
      op.outputs, [&](ir::ValueId v) { return v != ir::kNoValue && graph.at(v).type.elem == ir::ElemType::float32; });
}

}  // namespace

std::shared_ptr<const ProviderUse> use_of_provider(const profiles::Provider& provider,
                                                   std::shared_ptr<const ir::Graph> graph) {
  if (provider.name != profiles::kCoreMlProvider) return nullptr;
  const auto is = [&](const char* option, const char* value) {
    return profiles::core_ml_option(provider, option) == value;
  };
  const passes::ProviderOptions options{.ml_program = is("ModelFormat", "MLProgram"),
                                        .static_shapes = is("RequireStaticInputShapes", "1"),
                                        .subgraphs = is("EnableOnSubgraphs", "1")};
  auto placement = passes::place_on_coreml(*graph, options);
  return std::make_shared<const ProviderUse>(ProviderUse{std::move(graph), std::move(placement), provider});
}

void for_each_placed(const ir::Graph& graph, const passes::Placement& placement,
                     const std::function<void(const PlacedOp&)>& use) {
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    use({graph, graph.ops[i], placement.partition[i], placement.reasons[i], placement.folded[i]});
    ir::for_each_nested(graph.ops[i], [&](const ir::Graph& inner) {
      const auto placed = placement.nested.find(&inner);
      if (placed != placement.nested.end()) for_each_placed(inner, placed->second, use);
    });
  }
}

void note_not_taken(const ProviderUse& use, const std::string& spec, Warnings& warnings) {
  std::map<std::string, std::map<std::string, size_t>> kinds;  // operator, reason
  size_t all = 0, left = 0;
  for_each_placed(*use.graph, use.placement, [&](const PlacedOp& placed) {
    if (placed.folded) return;
    ++all;
    if (placed.partition != passes::kOutside) return;
    ++left;
    ++kinds[kind_of(placed.op)][placed.reason];
  });
  if (left == 0) return;
  std::vector<std::string> parts;
  for (const auto& [kind, reasons] : kinds)
    for (const auto& [reason, count] : reasons)
      parts.push_back(std::to_string(count) + " " + kind + " (" + reason + ")");
  warnings.push_back({Code::not_taken,
                      std::to_string(left) + " of " + counted(all, "operation") + (left == 1 ? " runs" : " run") +
                          " as on the CPU, because " + use.provider.name + " does not take " +
                          (left == 1 ? "it" : "them") + ": " + join(parts, ", "),
                      spec, "assay inspect MODEL --provider ... lists every node and the partitions"});
}

void warn_if_lowered(const ir::Graph& graph, const ProviderUse* use, const profiles::Provider& provider,
                     const profiles::Profile& profile, const std::string& spec, Warnings& warnings) {
  if (profile.storage != ir::ElemType::float16 && profile.storage != ir::ElemType::bfloat16) return;
  std::map<std::string, size_t> kinds;
  size_t count = 0;
  const auto add = [&](const ir::Graph& around, const ir::Op& op) {
    if (!computes_float32(around, op)) return;
    ++count;
    ++kinds[op.type];
  };
  if (use == nullptr)
    ir::for_each_op(graph, add);
  else
    for_each_placed(graph, use->placement, [&](const PlacedOp& placed) {
      if (placed.partition != passes::kOutside) add(placed.graph, placed.op);
    });
  if (count == 0) return;
  std::vector<std::string> parts;
  for (const auto& [kind, n] : kinds) parts.push_back(std::to_string(n) + " " + kind);
  warnings.push_back({Code::precision_lowered,
                      "with these options " + provider.name +
                          " makes a model whose intermediate values have no types: " + counted(count, "operation") +
                          " that the model declares in float32 run in " + std::string(ir::elem_name(profile.storage)) +
                          " (" + join(parts, ", ") + ")",
                      spec, "keep float32 with " + provider.name + ":ModelFormat=MLProgram"});
}

}  // namespace assay::backends
