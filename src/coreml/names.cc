#include "coreml/names.h"

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

namespace assay::coreml {

void note_names(const ops::LegalNames& names, mil::Metadata& metadata) {
  if (names.changed().empty()) return;
  metadata.user.emplace_back(
      kNamesKey, nlohmann::json(names.changed()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void restore_names(const mil::Metadata& metadata, ir::Graph& graph) {
  const std::string* text = mil::find(metadata.user, kNamesKey);
  if (text == nullptr) return;
  const nlohmann::json names = nlohmann::json::parse(*text, nullptr, false);
  if (!names.is_object()) return;  // not ours
  std::unordered_set<std::string> taken;
  for (const ir::Value& value : graph.values) taken.insert(value.name);
  for (ir::Value& value : graph.values) {
    const auto found = names.find(value.name);
    if (found == names.end() || !found->is_string()) continue;
    if (!taken.insert(found->get<std::string>()).second) continue;
    value.file_name = value.name;
    value.name = found->get<std::string>();
  }
  graph.metadata.erase(kNamesKey);
}

}  // namespace assay::coreml
