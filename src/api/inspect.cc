#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "backends/program.h"
#include "base/text.h"
#include "ir/text.h"
#include "onnx/export.h"

namespace assay::commands {
namespace {
using nlohmann::ordered_json;

ordered_json ports_json(const ir::Graph& graph, std::span<const ir::ValueId> ids) {
  ordered_json list = ordered_json::array();
  for (const ir::ValueId v : ids)
    list.push_back({{"name", graph.at(v).name}, {"type", ir::to_string(graph.at(v).type)}});
  return list;
}

struct Weights {
  std::map<std::string, std::pair<uint64_t, uint64_t>> by_type;  // tensors, bytes
  uint64_t bytes = 0;
};

void count_weights(const ir::Graph& graph, Weights& weights) {
  std::vector<bool> captured(graph.values.size());  // counted where they stand
  for (const auto& [inside, outside] : graph.captures) captured[inside] = true;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const ir::Value& v = graph.values[i];
    if (!v.constant || v.producer != ir::kNoOp || captured[i]) continue;
    auto& [tensors, bytes] = weights.by_type[std::string(ir::elem_name(v.constant->elem()))];
    ++tensors;
    bytes += v.constant->byte_size();
    weights.bytes += v.constant->byte_size();
  }
  for (const ir::Op& op : graph.ops)
    ir::for_each_nested(op, [&](const ir::Graph& inner) { count_weights(inner, weights); });
}

Weights count_weights(const ir::Graph& graph) {
  Weights weights;
  count_weights(graph, weights);
  return weights;
}

std::map<std::string, uint64_t> count_ops(const ir::Graph& graph) {
  std::map<std::string, uint64_t> counts;
  ir::for_each_op(graph, [&](const ir::Graph&, const ir::Op& op) {
    ++counts[op.domain.empty() ? op.type : op.domain + "." + op.type];
  });
  return counts;
}

// How many values have which type, as stored where the program is resolved.
std::map<std::string, uint64_t> count_values(const ir::Graph& graph) {
  std::map<std::string, uint64_t> counts;
  ir::for_each_op(graph, [&](const ir::Graph& around, const ir::Op& op) {
    for (const ir::ValueId v : op.outputs) {
      if (v == ir::kNoValue) continue;
      const ir::Value& value = around.at(v);
      const ir::ElemType stored = value.storage == ir::ElemType::undefined ? value.type.elem : value.storage;
      ++counts[std::string(ir::elem_name(stored))];
    }
  });
  return counts;
}

uint64_t total(const std::map<std::string, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

std::string counts_text(const std::map<std::string, uint64_t>& counts) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) parts.push_back(fmt::format("{} {}", count, name));
  return join(parts, ", ");
}

std::string text_of(const std::string& file, const ir::Graph& graph) {
  const Weights weights = count_weights(graph);
  std::string out = fmt::format("{}: graph '{}'\n", file, graph.name);
  for (const auto& [key, value] : graph.metadata) out += fmt::format("  {}: {}\n", key, value.substr(0, 200));
  for (const ir::ValueId v : graph.inputs)
    out += fmt::format("  input   {}: {}\n", graph.at(v).name, ir::to_string(graph.at(v).type));
  for (const ir::ValueId v : graph.outputs)
    out += fmt::format("  output  {}: {}\n", graph.at(v).name, ir::to_string(graph.at(v).type));
  out += fmt::format("  {} operations: {}\n", total(count_ops(graph)), counts_text(count_ops(graph)));
  out += fmt::format("  results stored as: {}\n", counts_text(count_values(graph)));
  for (const auto& [type, count] : weights.by_type)
    out += fmt::format("  weights {}: {} tensors, {} bytes\n", type, count.first, count.second);
  return out;
}

ordered_json json_of(const std::string& file, const ir::Graph& graph, bool full) {
  const Weights weights = count_weights(graph);
  ordered_json by_type = ordered_json::object();
  for (const auto& [type, count] : weights.by_type) by_type[type] = {{"tensors", count.first}, {"bytes", count.second}};
  ordered_json out = {{"file", file},
                      {"format", "ONNX"},
                      {"graph", graph.name},
                      {"metadata", graph.metadata},
                      {"inputs", ports_json(graph, graph.inputs)},
                      {"outputs", ports_json(graph, graph.outputs)},
                      {"operations", total(count_ops(graph))},
                      {"operators", count_ops(graph)},
                      {"results_stored_as", count_values(graph)},
                      {"weights", by_type}};
  if (full) out["program"] = ir::print(graph);
  return out;
}

// A policy that Casts cannot say is refused as a whole, naming its first such statement, even where this model would
// not meet it.
Status emit(const ir::Graph& graph, const backends::Program& program, const std::string& path) {
  if (program.profile() != nullptr)
    if (const auto statement = profiles::not_expressible(*program.profile(), 0))
      return Error{Code::not_expressible, "ONNX cannot say " + *statement, "profile " + program.profile()->name,
                   "only storage policies (f16-storage, bf16-storage, strict-f32) can be written as plain ONNX"};
  return onnx::export_model(graph, path);
}

}  // namespace

Result<Report> inspect(const InspectRequest& request) {
  Report report;
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  backends::ProgramLoader loader({.profiles = &context->profiles, .threads = context->threads, .primary_only = true});
  ASSAY_TRY(auto graph, loader.model(request.model, report.warnings));
  if (!request.emit_onnx.empty() && request.program.empty())
    return Error{Code::usage, "--emit-onnx needs --profile", "", "give for example --profile f16-storage"};
  if (!request.program.empty()) {
    ASSAY_TRY(const auto program, loader.open(request.program, request.model, report.warnings));
    graph = program->resolved(0);
    if (!graph)
      return Error{Code::usage, "'" + request.program + "' is no program that can be inspected", "", "give a profile"};
    if (!request.emit_onnx.empty()) ASSAY_CHECK(emit(*graph, *program, request.emit_onnx));
  }
  report.json =
      json_of(request.model, *graph, request.full).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  report.text = text_of(request.model, *graph);
  if (request.full || !request.program.empty()) report.text += "\n" + ir::print(*graph);
  if (!request.emit_onnx.empty()) report.text += "wrote " + request.emit_onnx + "\n";
  return report;
}

}  // namespace assay::commands
