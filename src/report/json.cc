#include "report/json.h"

#include "report/json_counts.inc"
#include "report/json_text.h"

namespace assay::report {
namespace {
Json message_json(const Error& e) {
  return Json{{"code", code_name(e.code)}, {"message", e.message}, {"where", e.where}, {"fix", e.fix}};
}

std::string dumped(const Json& json) {
  std::string text;
  dump(json, text);
  return text;
}
}  // namespace

std::string to_json(const audit::CompareResult& result) {
  Json out;
  out["samples"] = result.samples;
  out["within_limits"] = result.within_limits;
  out["programs"] = Json::array();
  for (const audit::CompareProgram& p : result.programs) {
    Json one{{"program", p.program}, {"variant", p.variant}};
    one["profile"] = p.profile.empty() ? Json(nullptr) : Json(p.profile);
    one["emulated"] = p.emulated;
    one["lattice"] = lattice_json(p.lattice);
    out["programs"].push_back(std::move(one));
  }
  out["pairs"] = Json::array();
  for (const audit::Pair& pair : result.pairs) {
    Json one{{"a", result.programs[pair.a].program}, {"b", result.programs[pair.b].program}};
    one["within_limits"] = pair.within_limits;
    one.update(differences_json(pair.outputs));
    if (pair.trace) one["trace"] = trace_json(*pair.trace);
    if (pair.conversion) one["conversion"] = conversion_json(*pair.conversion);
    out["pairs"].push_back(std::move(one));
  }
  return dumped(out);
}

Asked asked_in(std::string_view json) {
  if (json.find("\"asked\"") == std::string_view::npos) return {};
  const Json value = Json::parse(json, nullptr, false);
  if (!value.is_object() || !value.contains("meta") || !value["meta"].is_object() || !value["meta"].contains("asked"))
    return {};
  const auto text = [](const Json& in, const char* key) {
    return in.is_object() && in.contains(key) && in[key].is_string() ? in[key].get<std::string>() : "";
  };
  const auto texts = [](const Json& in, const char* key) {
    std::vector<std::string> out;
    if (!in.is_object() || !in.contains(key) || !in[key].is_array()) return out;
    for (const Json& item : in[key])
      if (item.is_string()) out.push_back(item.get<std::string>());
    return out;
  };
  const Json& asked = value["meta"]["asked"];
  return {.model = text(asked, "model"),
          .data = text(asked, "data"),
          .command = text(asked, "command"),
          .profile_files = texts(asked, "profile_files"),
          .kept = texts(asked, "keep"),
          .contract = value.contains("result") ? text(value["result"], "lock") : ""};
}

std::string to_json(const Envelope& envelope) {
  Json warnings = Json::array();
  for (const Warning& warning : envelope.warnings) warnings.push_back(message_json(warning));
  std::string out = R"({"schema":1,"tool":"assay","version":)" + quote(envelope.version);
  out += ",\"command\":" + quote(envelope.command) + ",\"ok\":" + (envelope.ok ? "true" : "false");
  out += ",\"warnings\":" + dumped(warnings);
  if (envelope.error) out += ",\"error\":" + dumped(message_json(*envelope.error));
  out += ",\"result\":" + (envelope.result.empty() ? "null" : envelope.result) + ",\"meta\":{";
  for (size_t i = 0; i < envelope.meta.size(); ++i)
    out += (i > 0 ? "," : "") + quote(envelope.meta[i].first) + ":" + envelope.meta[i].second;
  return out + "}}\n";
}

}  // namespace assay::report
