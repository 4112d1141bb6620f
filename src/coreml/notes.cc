#include "coreml/notes.h"

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace assay::coreml {
namespace {
using nlohmann::json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }
}  // namespace

void note_names(const ops::LegalNames& names, mil::Metadata& metadata) {
  if (names.changed().empty()) return;
  metadata.user.emplace_back(kNamesKey, dump(json(names.changed())));
}

void note_symbols(const ir::Graph& graph, mil::Metadata& metadata) {
  json inputs = json::object();
  for (const ir::ValueId id : graph.inputs) {
    const ir::Value& value = graph.at(id);
    if (!value.type.ranked() || value.type.is_static()) continue;
    json dims = json::array();
    for (const ir::Dim& dim : *value.type.shape) dims.push_back(dim.known() ? json(dim.value) : json(dim.symbol));
    inputs[value.name] = std::move(dims);
  }
  if (!inputs.empty()) metadata.user.emplace_back(kSymbolsKey, dump(inputs));
}

namespace {

/// A note as an object; null when there is none, or none of ours.
json note(const mil::Metadata& metadata, std::string_view key) {
  const std::string* text = mil::find(metadata.user, key);
  if (text == nullptr) return {};
  json parsed = json::parse(*text, nullptr, false);
  return parsed.is_object() ? parsed : json();
}

void restore_symbols(const json& inputs, ir::Graph& graph) {
  for (const ir::ValueId id : graph.inputs) {
    ir::Value& value = graph.at(id);
    const auto found = inputs.find(value.name);
    if (found == inputs.end() || !found->is_array() || !value.type.ranked()) continue;
    for (size_t i = 0; i < value.type.shape->size() && i < found->size(); ++i) {
      ir::Dim& dim = (*value.type.shape)[i];
      if (!dim.known() && dim.symbol.empty() && (*found)[i].is_string()) dim.symbol = (*found)[i].get<std::string>();
    }
  }
}

/// Names may change places; where two would become one, all stay as they are.
void restore_names(const json& names, ir::Graph& graph) {
  const auto original = [&](const ir::Value& value) {
    const auto found = names.find(value.name);
    return found == names.end() || !found->is_string() ? value.name : found->get<std::string>();
  };
  std::unordered_set<std::string> taken;
  for (const ir::Value& value : graph.values)
    if (!value.name.empty() && !taken.insert(original(value)).second) return;
  for (ir::Value& value : graph.values) {
    std::string name = original(value);
    if (name == value.name) continue;
    value.file_name = std::exchange(value.name, std::move(name));
  }
}

}  // namespace

void restore_notes(const mil::Metadata& metadata, ir::Graph& graph) {
  if (const json names = note(metadata, kNamesKey); !names.is_null()) restore_names(names, graph);
  if (const json inputs = note(metadata, kSymbolsKey); !inputs.is_null()) restore_symbols(inputs, graph);
  graph.metadata.erase(kNamesKey);
  graph.metadata.erase(kSymbolsKey);
}

}  // namespace assay::coreml
