#include "api/coreml_provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/listing/listing.h"
#include "backends/program.h"
#include "base/text.h"
#include "passes/coreml_provider.h"

namespace assay {
namespace api {

namespace {

std::string format_of(const backends::ProviderUse& use) { return use.ml_program() ? "MLProgram" : "NeuralNetwork"; }

/// Those of graphs inside operations count too.
uint64_t partitions_in(const passes::Placement& placement) {
  auto count = static_cast<uint64_t>(placement.partitions);
  for (const auto& [graph, inner] : placement.nested) count += partitions_in(inner);
  return count;
}
uint64_t partitions_of(const backends::ProviderUse& use) { return partitions_in(use.placement); }

}  // namespace

std::vector<TakenNode> nodes_of(const backends::ProviderUse& use) {
  std::vector<TakenNode> nodes;
  backends::for_each_placed(*use.graph, use.placement, [&](const backends::PlacedOp& placed) {
    const ir::Op& op = placed.op;
    nodes.push_back({.name = op.name.empty() ? placed.graph.describe(op) : op.name,
                     .op = op.domain.empty() ? op.type : op.domain + "." + op.type,
                     .taken = placed.partition != passes::kOutside,
                     .reason = placed.reason,
                     .partition = placed.partition});
  });
  return nodes;
}

std::string provider_json(const backends::ProviderUse& use) {
  using nlohmann::ordered_json;
  ordered_json nodes = ordered_json::array();
  for (const TakenNode& node : nodes_of(use))
    nodes.push_back({{"name", node.name},
                     {"op", node.op},
                     {"taken", node.taken},
                     {"partition", node.taken ? ordered_json(node.partition) : ordered_json()},
                     {"reason", node.taken ? ordered_json() : ordered_json(node.reason)}});
  const ordered_json report = {{"name", use.provider.name},
                               {"model_format", format_of(use)},
                               {"partitions", use.placement.partitions},
                               {"nodes", std::move(nodes)}};
  return report.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string provider_text(const backends::ProviderUse& use) {
  const std::vector<TakenNode> nodes = nodes_of(use);
  const auto taken = std::ranges::count(nodes, true, &TakenNode::taken);
  std::string text = fmt::format("{} ({}) takes {} of {} in {}\n", use.provider.name, format_of(use), taken,
                                 counted(nodes.size(), "node"), counted(partitions_of(use), "partition"));
  for (const TakenNode& node : nodes)
    text += node.taken ? fmt::format("  partition {}: {} '{}'\n", node.partition, node.op, node.name)
                       : fmt::format("  on the CPU: {} '{}': {}\n", node.op, node.name, node.reason);
  return text;
}

}  // namespace api

Result<ProviderReport> coreml_provider(const std::string& model, const std::string& provider,
                                       const commands::Settings& settings) {
  ASSAY_TRY(const auto context, api::Context::make(settings));
  backends::ProgramLoader loader({.profiles = &context->profiles, .threads = context->threads, .primary_only = true});
  ProviderReport report{.provider = provider, .model_format = {}, .profile = {}};
  ASSAY_TRY(const auto program, loader.open(provider, model, report.warnings));
  const backends::ProviderUse* use = program->provider_use();
  if (use == nullptr)
    return Error{Code::usage, "only CoreMLExecutionProvider takes parts of a model, of ONNX models", provider,
                 "give an .onnx file and CoreMLExecutionProvider with its options"};
  report.model_format = api::format_of(*use);
  report.profile = program->profile()->name;
  report.partitions = use->placement.partitions;
  report.nodes = api::nodes_of(*use);
  return report;
}

std::string coreml_provider_table() {
  std::string text =
      "| operator | from operator set | up to | NeuralNetwork | ML Program | only |\n|---|---|---|---|---|---|\n";
  for (const passes::ProviderRow& row : passes::coreml_provider_rows())
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", row.op, row.since,
                        row.revised == 0 ? "" : std::to_string(row.revised - 1),
                        row.network_types.empty() ? "-" : row.network_types,
                        row.program_types.empty() ? "-" : row.program_types, join(row.needs, "; "));
  return text;
}

}  // namespace assay
