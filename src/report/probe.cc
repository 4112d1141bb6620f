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

Json fit_json(const audit::ProbeFit& fit) {
  Json out{{"name", fit.name}, {"verdict", kind_word(fit.kind)}, {"elements", fit.elements}, {"equal", fit.equal}};
  out.update(distance_json(fit.worst_steps, fit.max_abs));
  out.update({{"bound", fit.bound},
              {"bound_used", fit.used},
              {"segments", fit.segments},
              {"segments_expected", fit.segments_expected},
              {"by_table", fit.by_table()},
              {"constant", fit.constant},
              {"explained_by", fit.exact}});
  return out;
}

Json group_json(const GroupVerdict& group) {
  Json out = fit_json(static_cast<const audit::ProbeFit&>(group));
  out["probes"] = Json::array();
  for (const audit::ProbeFit& probe : group.probes) out["probes"].push_back(fit_json(probe));
  return out;
}

Json verdict_json(const ProbeVerdict& verdict) {
  const FitGroup& best = verdict.fit.groups.front();
  Json out{{"mode", verdict.mode},
           {"verdict", best.kind == FitGroup::Kind::exact ? "exact"
                       : audit::fits(verdict)             ? "nearest"
                                                          : "none"},
           {"words", best.words},
           {"elements", best.fit.elements},
           {"equal", best.fit.equal},
           {"margin_bits", verdict.fit.margin_bits},
           {"policies_tried", verdict.fit.named + verdict.fit.combined}};
  out["not_probed"] = audit::not_probed(verdict);
  out["policies"] = Json::array();
  for (const audit::Hypothesis& h : best.members) out["policies"].push_back(hypothesis_json(h));
  out["groups"] = Json::array();
  for (const GroupVerdict& group : verdict.groups) out["groups"].push_back(group_json(group));
  return out;
}

/// Policies with a name, and how many more.
std::string labels_text(const std::vector<audit::Hypothesis>& members) {
  std::vector<std::string> labels = {members.front().label()};
  for (size_t i = 1; i < members.size(); ++i)
    if (members[i].changes.empty()) labels.push_back(members[i].label());
  const size_t rest = members.size() - labels.size();
  return join(labels, ", ") + (rest > 0 ? fmt::format(", and {} changes of it that make no difference", rest) : "");
}

std::string verdict_text(const ProbeVerdict& verdict) {
  const FitGroup& best = verdict.fit.groups.front();
  const bool exact = best.kind == FitGroup::Kind::exact;
  std::string out = verdict.mode.empty() ? "" : verdict.mode + "\n";
  if (!audit::fits(verdict))
    out += "no policy fits: a defect, a recording of other probes, or a device that computes as none of these\n";
  out += fmt::format("{} {} ({} of {} values; {} policies tried)\n", exact ? "policy:" : "nearest policy:", best.words,
                     grouped(best.fit.equal), grouped(best.fit.elements),
                     grouped(verdict.fit.named + verdict.fit.combined));
  out += "  " + labels_text(best.members) + "\n";
  if (const auto silent = audit::not_probed(verdict); !silent.empty())
    out += fmt::format("no probe of {} was recorded: of these, nothing is known\n", join(silent, ", "));
  std::vector<std::vector<std::string>> rows = {
      {"probe", "verdict", "equal", "largest difference", "of the bound", "steps", "explained by another"}};
  for (const GroupVerdict& group : verdict.groups)
    for (const audit::ProbeFit& probe : group.probes) {
      const bool other = probe.kind != FitGroup::Kind::exact && !probe.exact.empty();
      std::string by = other ? probe.exact.front() : "";
      if (other && probe.exact.size() > 1) by += fmt::format(" and {} more", probe.exact.size() - 1);
      const bool asked = probe.kind != FitGroup::Kind::exact;
      rows.push_back({probe.name, std::string(kind_word(probe.kind)),
                      fmt::format("{} of {}", grouped(probe.equal), grouped(probe.elements)),
                      asked ? difference_text(probe.worst_steps, probe.max_abs) : "",
                      asked ? short_number(probe.used) : "", steps_text(probe.worst_steps), by});
    }
  out += table(rows, {false, false, true, true, true, true, false});
  for (const GroupVerdict& group : verdict.groups)
    for (const audit::ProbeFit& probe : group.probes)
      if (probe.by_table())
        out += fmt::format("{}: by table; {} straight segments, where the function itself needs {}\n", probe.name,
                           probe.segments, probe.segments_expected);
      else if (!probe.constant.empty())
        out += fmt::format("{}: {} for every argument: no function at all\n", probe.name, probe.constant);
  return out;
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
