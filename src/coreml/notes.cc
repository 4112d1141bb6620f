#include "coreml/notes.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace assay::coreml {
namespace {
using nlohmann::json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }
}  // namespace

void note_names(const std::map<std::string, std::string>& changed, mil::Metadata& metadata) {
  if (changed.empty()) return;
  metadata.user.emplace_back(kNamesKey, dump(json(changed)));
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

std::string noted(const json& names, const std::string& name) {
  const auto found = names.find(name);
  return found == names.end() || !found->is_string() ? name : found->get<std::string>();
}

/// Names of all values. An output that was an input too keeps the file's name: the input has the model's.
std::vector<std::string> original_names(const json& names, const ir::Graph& graph) {
  std::unordered_set<std::string> inputs;
  for (const ir::ValueId id : graph.inputs) inputs.insert(noted(names, graph.at(id).name));
  std::vector<std::string> all;
  for (const ir::Value& value : graph.values) all.push_back(noted(names, value.name));
  for (const ir::ValueId id : graph.outputs)
    if (graph.at(id).producer != ir::kNoOp && inputs.contains(all[id])) all[id] = graph.at(id).name;
  return all;
}

/// Names may change places; where two would become one, all stay as they are.
void restore_names(const json& names, ir::Graph& graph) {
  std::vector<std::string> originals = original_names(names, graph);
  std::unordered_set<std::string_view> taken;
  for (size_t i = 0; i < originals.size(); ++i)
    if (!graph.values[i].name.empty() && !taken.insert(originals[i]).second) return;
  for (size_t i = 0; i < originals.size(); ++i) {
    ir::Value& value = graph.values[i];
    if (originals[i] != value.name) value.file_name = std::exchange(value.name, std::move(originals[i]));
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
