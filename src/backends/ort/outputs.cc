#include "backends/ort/outputs.h"

#include <algorithm>
#include <set>

#include "pb/reader.h"
#include "pb/writer.h"

namespace assay::backends::ort {
namespace {

// Numbers of fields in ONNX's messages.
constexpr uint32_t kModelGraph = 7, kGraphNode = 1, kGraphOutput = 12, kNodeOutput = 2, kValueName = 1;

void read_node(pb::Reader node, std::vector<std::string>& names) {
  while (node.next())
    if (node.field() == kNodeOutput) names.emplace_back(node.text());
}

void read_output(pb::Reader value, std::set<std::string, std::less<>>& names) {
  while (value.next())
    if (value.field() == kValueName) names.emplace(value.text());
}

}  // namespace

Result<std::vector<std::string>> inner_values(std::span<const std::byte> model) {
  std::vector<std::string> names;
  std::set<std::string, std::less<>> outputs;
  pb::Reader reader(model, "model");
  while (reader.next()) {
    if (reader.field() != kModelGraph) continue;
    pb::Reader graph = reader.message("graph");
    while (graph.next()) {
      if (graph.field() == kGraphNode) read_node(graph.message("node"), names);
      if (graph.field() == kGraphOutput) read_output(graph.message("output"), outputs);
    }
    ASSAY_CHECK(graph.status());
  }
  ASSAY_CHECK(reader.status());
  std::erase_if(names, [&](const std::string& name) { return name.empty() || outputs.contains(name); });
  return names;
}

std::string add_outputs(std::span<const std::byte> model, std::span<const std::string> names) {
  pb::Writer graph, whole;
  for (const std::string& name : names) {
    pb::Writer value;
    value.text(kValueName, name);
    graph.message(kGraphOutput, std::move(value));
  }
  whole.message(kModelGraph, std::move(graph));
  std::string bytes;
  bytes.reserve(model.size() + whole.size());
  const auto append = [&bytes](std::span<const std::byte> piece) -> Status {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  };
  (void)append(model);
  (void)whole.each(append);
  return bytes;
}

}  // namespace assay::backends::ort
