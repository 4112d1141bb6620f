#include "report/probe.h"

#include <fmt/format.h>

#include "audit/fingerprint/vocabulary.h"
#include "base/text.h"
#include "report/fingerprint.h"
#include "report/fit_json.inc"
#include "report/json_text.h"
#include "report/text.h"
#include "report/words.h"

namespace assay::report {
namespace {

using audit::FitGroup;
using audit::GroupVerdict;
using audit::ProbeVerdict;

constexpr std::string_view kKinds[] = {"exact", "rounding", "unexplained"};
std::string_view kind_word(FitGroup::Kind kind) { return kKinds[static_cast<size_t>(kind)]; }

Json group_json(const GroupVerdict& group) {
  return {{"group", group.group},     {"verdict", kind_word(group.kind)},
          {"probes", group.probes},   {"elements", group.elements},
          {"equal", group.equal},     {"worst_steps", group.worst_steps},
          {"max_abs", group.max_abs}, {"explained_by", group.exact}};
}

Json verdict_json(const ProbeVerdict& verdict) {
  const FitGroup& best = verdict.fit.groups.front();
  Json out{{"mode", verdict.mode},
           {"verdict", best.kind == FitGroup::Kind::exact ? "exact" : "nearest"},
           {"words", best.words},
           {"elements", best.fit.elements},
           {"equal", best.fit.equal},
           {"margin_bits", verdict.fit.margin_bits},
           {"policies_tried", verdict.fit.named + verdict.fit.combined}};
  out["policies"] = Json::array();
  for (const audit::Hypothesis& h : best.members) out["policies"].push_back(hypothesis_json(h));
  out["groups"] = Json::array();
  for (const GroupVerdict& group : verdict.groups) out["groups"].push_back(group_json(group));
  return out;
}

std::string verdict_text(const ProbeVerdict& verdict) {
  const FitGroup& best = verdict.fit.groups.front();
  const bool exact = best.kind == FitGroup::Kind::exact;
  std::string out = verdict.mode.empty() ? "" : verdict.mode + "\n";
  out += fmt::format("{} {} ({} of {} values; {} policies tried)\n", exact ? "policy:" : "nearest policy:", best.words,
                     grouped(best.fit.equal), grouped(best.fit.elements),
                     grouped(verdict.fit.named + verdict.fit.combined));
  std::vector<std::string> labels;
  for (const audit::Hypothesis& h : best.members) labels.push_back(h.label());
  out += (exact ? "  same bits: " : "  that is: ") + join(labels, "; ") + "\n";
  std::vector<std::vector<std::string>> rows = {{"probes", "verdict", "equal", "steps", "explained by"}};
  for (const GroupVerdict& group : verdict.groups) {
    std::string by = group.exact.empty() ? "" : group.exact.front();
    if (group.exact.size() > 1) by += fmt::format(" and {} more", group.exact.size() - 1);
    rows.push_back({group.group, std::string(kind_word(group.kind)),
                    fmt::format("{} of {}", grouped(group.equal), grouped(group.elements)), grouped(group.worst_steps),
                    by});
  }
  return out + table(rows, {false, false, true, true, false});
}

}  // namespace

std::string to_json(const std::vector<ProbeVerdict>& verdicts, const std::string& device, const std::string& written) {
  Json out{{"device", device}, {"written", written}};
  out["modes"] = Json::array();
  for (const ProbeVerdict& verdict : verdicts) out["modes"].push_back(verdict_json(verdict));
  std::string text;
  dump(out, text);
  return text;
}

std::string to_text(const std::vector<ProbeVerdict>& verdicts, const std::string& device, const std::string& written) {
  std::string out = device.empty() ? "" : "recorded with " + device + "\n\n";
  for (const ProbeVerdict& verdict : verdicts) out += verdict_text(verdict) + "\n";
  if (!written.empty()) out += "wrote " + written + "\n";
  return out;
}

}  // namespace assay::report
