#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/context.h"
#include "base/text.h"
#include "num/policy_text.h"
#include "profiles/profile.h"

namespace assay::commands {
namespace {
using nlohmann::ordered_json;
using profiles::Profile;

std::string match_text(const profiles::Match& m) {
  std::vector<std::string> parts;
  if (!m.ops.empty()) parts.push_back(join(m.ops, " "));
  if (!m.classes.empty()) parts.push_back(join(m.classes, " "));
  if (!m.declared.empty()) parts.push_back("declared " + m.declared);
  if (m.matrix_only) parts.emplace_back("matrices only");
  return parts.empty() ? "every operation" : join(parts, ", ");
}

ordered_json json_of(const profiles::Evidence& e) { return {{"source", e.source}, {"certainty", e.certainty}}; }

ordered_json json_of(const profiles::Statement& s) {
  ordered_json settings = ordered_json::object();
  for (const auto& [key, value] : s.settings) settings[key] = value;
  return {{"for", match_text(s.match)}, {"settings", settings}, {"evidence", json_of(s.evidence)}};
}

std::string rounded(const std::optional<num::Rounding>& rounding) {
  return rounding ? num::to_text(*rounding) : "as they are";
}

// What a variant stores: "results float16 nearest-even clamp, inputs ..., weights ...".
std::string storage_text(const profiles::Storage& s) {
  const std::string results(s.results ? num::to_text(*s.results) : std::string(ir::elem_name(s.type)));
  if (s.inputs == s.results && s.weights == s.results) return results;
  return results + ", inputs " + rounded(s.inputs) + ", weights " + rounded(s.weights);
}

ordered_json json_of(const Profile& p) {
  ordered_json variants = ordered_json::array(), missing = ordered_json::array();
  for (const profiles::Variant& v : p.variants) {
    ordered_json statements = ordered_json::array();
    for (const auto& s : v.statements) statements.push_back(json_of(s));
    variants.push_back(
        {{"name", v.name}, {"doc", v.doc}, {"storage", storage_text(v.storage)}, {"statements", statements}});
  }
  for (const profiles::NotModelled& n : p.not_modelled)
    missing.push_back({{"what", n.what}, {"reason", n.reason}, {"evidence", json_of(n.evidence)}});
  return {{"name", p.name},
          {"doc", p.doc},
          {"storage", ir::elem_name(p.storage)},
          {"variants", variants},
          {"not_modelled", missing}};
}

std::string text_of(const profiles::Statement& s) {
  std::string out = "    " + match_text(s.match) + ":";
  for (const auto& [key, value] : s.settings) out += fmt::format(" {} = {};", key, value);
  return out + fmt::format("\n      {}: {}\n", s.evidence.certainty, s.evidence.source);
}

std::string text_of(const Profile& p) {
  std::string out = fmt::format("{}: {}\n  float32 values are stored as {}\n", p.name, p.doc, ir::elem_name(p.storage));
  for (const profiles::Variant& v : p.variants) {
    out += fmt::format("\n  variant {}{}{}{}\n", v.name, &v == p.variants.data() ? " (primary)" : "",
                       v.doc.empty() ? "" : ": ", v.doc);
    out += "    stored: " + storage_text(v.storage) + "\n";
    for (const auto& s : v.statements) out += text_of(s);
  }
  for (const profiles::NotModelled& n : p.not_modelled)
    out += fmt::format("\n  not modelled: {}\n    because {}\n      {}: {}\n", n.what, n.reason, n.evidence.certainty,
                       n.evidence.source);
  return out;
}

}  // namespace

Result<Report> profiles(const ProfilesRequest& request) {
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  Report report;
  if (!request.name.empty()) {
    ASSAY_TRY(const Profile* p, context->profiles.find(request.name));
    report.json = json_of(*p).dump();
    report.text = text_of(*p);
    return report;
  }
  ordered_json list = ordered_json::array();
  for (const Profile* p : context->profiles.all()) {
    std::vector<std::string> variants;
    for (const auto& v : p->variants) variants.push_back(v.name);
    list.push_back(
        {{"name", p->name}, {"doc", p->doc}, {"storage", ir::elem_name(p->storage)}, {"variants", variants}});
    report.text += fmt::format("{:<26} {}{}\n", p->name, p->doc,
                               variants.size() > 1 ? fmt::format(" ({} variants)", variants.size()) : "");
  }
  report.json = list.dump();
  return report;
}

}  // namespace assay::commands
