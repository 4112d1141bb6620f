#include "report/sarif.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "report/case_words.h"
#include "report/json_text.h"
#include "report/words.h"

namespace assay::report {
namespace {
using Json = nlohmann::ordered_json;

constexpr size_t kMostResults = 5000;  // of one run: what code scanning shows; the summary counts all

struct Rule {
  const char *id, *name, *text, *help;
};
constexpr Rule kRules[] = {
    {"decision-flips", "DecisionFlips", "A decision is another one on the device.",
     "Under every variant of the candidate the sample decides otherwise than under the reference. Keep the operations "
     "that are to blame in float32, choose another format or compute unit, or move the threshold."},
    {"decision-at-risk", "DecisionAtRisk", "A decision may be another one on the device.",
     "What is not known of the device decides: some of the candidate's variants decide otherwise than the reference."},
    {"model-changed", "ModelChanged", "The model is not the one that the contract names.",
     "Audit the new model, then write the contract anew: assay check --update."},
    {"file-changed", "FileChanged", "A file that a program names is not the one that the contract names.",
     "A model, a recording or a profile file is another one. Audit anew, then assay check --update."},
    {"profile-changed", "ProfileChanged", "A profile is not the one that the contract names.",
     "What is known of a device has changed. Look at what it does now, then assay check --update."},
    {"data-changed", "DataChanged", "The data is not the data that the contract names.",
     "The contract's counts are of other samples. Give the data of the contract, or assay check --update."},
    {"tolerance-exceeded", "ToleranceExceeded", "Outputs differ by more than the contract allows.",
     "The largest difference in ULPs is above the contract's. Find what grew, or assay check --update."},
};

size_t index_of(const std::string& id) {
  for (size_t i = 0; i < std::size(kRules); ++i)
    if (id == kRules[i].id) return i;
  return 0;
}

Json rules() {
  Json out = Json::array();
  for (const Rule& rule : kRules)
    out.push_back({{"id", rule.id},
                   {"name", rule.name},
                   {"shortDescription", {{"text", rule.text}}},
                   {"fullDescription", {{"text", rule.help}}},
                   {"help", {{"text", rule.help}}},
                   {"defaultConfiguration", {{"level", index_of(rule.id) == 1 ? "warning" : "error"}}}});
  return out;
}

Json location(const Section& section, const std::string& candidate) {
  Json out = Json::object();
  if (!section.model.empty())
    out["physicalLocation"] = {{"artifactLocation", {{"uri", uri_of(section.model)}}}, {"region", {{"startLine", 1}}}};
  if (!candidate.empty()) out["logicalLocations"] = Json::array({{{"fullyQualifiedName", candidate}}});
  return out;
}

// What makes the same finding of two runs the same to a reader: not where it stands in the list.
std::string fingerprint(const std::string& id, const std::string& of, int64_t sample) {
  Sha256 hash;
  hash.add(id + '\n' + of + '\n' + std::to_string(sample));
  return to_hex(hash.digest());
}

Json result(const std::string& id, const char* level, const std::string& text, const Section& section,
            const std::string& candidate, int64_t sample) {
  Json out{
      {"ruleId", id}, {"ruleIndex", index_of(id)}, {"level", level}, {"message", {{"text", clean(text, text.size())}}}};
  if (Json where = location(section, candidate); !where.empty()) out["locations"] = Json::array({std::move(where)});
  out["partialFingerprints"] = {
      {"assayDecision/v1", fingerprint(id, candidate.empty() ? section.title + text : candidate, sample)}};
  return out;
}

void add_cases(Json& results, const Section& section, size_t c) {
  const audit::CandidateResult& candidate = section.audit->candidates[c];
  for_each_case(candidate, [&](const audit::Case& one, bool flip) {
    if (results.size() >= kMostResults) return;
    const bool bad = fails(section, c, one, flip);
    Json entry =
        result(flip ? "decision-flips" : "decision-at-risk",
               bad    ? "error"
               : flip ? "note"
                      : "warning",
               case_words(*section.audit, candidate, one) + ". " + case_numbers(*section.audit, candidate, one) + ".",
               section, candidate.info.program, one.sample);
    entry["properties"] = {{"sample", one.sample}, {"candidate", candidate.info.program}};
    results.push_back(std::move(entry));
  });
}

Json summary(const Section& section) {
  Json out = Json::array();
  for (const audit::CandidateResult& c : section.audit->candidates)
    out.push_back({{"title", section.title},
                   {"candidate", c.info.program},
                   {"emulated", c.info.emulated},
                   {"samples", section.audit->samples},
                   {"safe", c.safe},
                   {"at_risk", c.at_risk.size()},
                   {"flips", c.flips.size()}});
  return out;
}
}  // namespace

std::string uri_of(const std::string& path) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;=@";
  const bool absolute = path.starts_with('/');
  std::string out = absolute ? "file://" : "";
  for (const char c : path)
    out += kPlain.find(c) != std::string_view::npos ? std::string(1, c)
                                                    : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

std::string to_sarif(std::span<const Section> sections, const std::string& version) {
  Json results = Json::array(), verdicts = Json::array();
  for (const Section& section : sections) {
    for (const audit::Finding& finding : section.findings)
      results.push_back(result(finding.rule, "error", finding.message, section, "", 0));
    for (size_t c = 0; c < section.audit->candidates.size(); ++c) add_cases(results, section, c);
    for (Json& one : summary(section)) verdicts.push_back(std::move(one));
  }
  Json invocation{{"executionSuccessful", true}};
  if (sections.size() == 1 && !sections[0].command.empty()) invocation["commandLine"] = sections[0].command;
  Json run;
  run["tool"]["driver"] = {{"name", "Assay"}, {"version", version}, {"rules", rules()}};
  run["invocations"] = Json::array({std::move(invocation)});
  run["results"] = std::move(results);
  run["columnKind"] = "utf16CodeUnits";
  run["properties"] = {{"verdicts", std::move(verdicts)}};
  const Json log{
      {"$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs", Json::array({std::move(run)})}};
  std::string text;
  dump(log, text);
  return text + "\n";
}

}  // namespace assay::report
