// A profile out of a verdict.
#include <fmt/format.h>

#include <algorithm>

#include "audit/fingerprint/vocabulary.h"
#include "audit/probe/read.h"
#include "base/text.h"
#include "profiles/settings.h"

namespace assay::audit {
namespace {

/// Which numeric class the probes of a group show.
std::string_view class_of(const std::string& group) {
  constexpr std::pair<std::string_view, std::string_view> kClasses[] = {
      {"matmul", "contraction"},  {"gemm", "contraction"},   {"conv", "contraction"},  {"dot", "contraction"},
      {"operand", "contraction"}, {"random", "contraction"}, {"mlp", "contraction"},   {"sum", "reduction"},
      {"mean", "reduction"},      {"reduce", "reduction"},   {"softmax", "composite"}, {"norm", "composite"}};
  for (const auto& [name, numeric] : kClasses)
    if (name == group) return numeric;
  return "elementwise";
}

/// Classes that probes show; the others, Cast and what moves data, only round to the storage.
constexpr std::string_view kClasses[] = {"contraction", "reduction", "composite", "elementwise"};

/// What stands behind statements about these classes (none: about all).
struct Behind {
  uint64_t elements = 0, equal = 0;
  std::vector<std::string> groups{};
};

Behind behind(const ProbeVerdict& verdict, const std::vector<std::string>& classes) {
  Behind found;
  for (const GroupVerdict& group : verdict.groups) {
    if (!classes.empty() && std::ranges::find(classes, class_of(group.name)) == classes.end()) continue;
    found.elements += group.elements;
    found.equal += group.equal;
    found.groups.push_back(group.name);
  }
  return found;
}

profiles::Evidence evidence_of(const Behind& found, const std::string& device) {
  return {fmt::format("assay probe{}: {} of {} values of the probes {} are reproduced bit for bit",
                      device.empty() ? std::string() : ", recorded with " + device, found.equal, found.elements,
                      join(found.groups, ", ")),
          found.equal == found.elements ? "measured" : "inferred"};
}

/// Whether `later` applies wherever `one` does.
bool covers(const profiles::Match& later, const profiles::Match& one) {
  const bool all = later.ops.empty() && later.classes.empty() && later.declared.empty() && !later.matrix_only;
  return all || (later.ops == one.ops && later.classes == one.classes && later.declared == one.declared &&
                 later.matrix_only == one.matrix_only);
}

/// A statement that no longer sets these fields; it holds no values of them either, as one that is read from a file.
void take_back(profiles::Statement& statement, uint32_t fields) {
  const num::Policy plain;
  for (size_t i = 0; i < profiles::settings().size(); ++i)
    if ((statement.fields & fields) >> i & 1U) profiles::settings()[i].copy(plain, statement.policy);
  statement.fields &= ~fields;
}

/// Leaves out what later statements say again: nothing rests on it.
void leave_out_overridden(std::vector<profiles::Statement>& statements) {
  for (size_t i = 0; i < statements.size(); ++i)
    for (size_t later = i + 1; later < statements.size(); ++later)
      if (covers(statements[later].match, statements[i].match)) take_back(statements[i], statements[later].fields);
  std::erase_if(statements, [](const profiles::Statement& statement) { return statement.fields == 0; });
}

/// Those of these classes (none: of all) of which no probe was recorded.
std::vector<std::string> silent_among(const std::vector<std::string>& classes, const ProbeVerdict& verdict) {
  std::vector<std::string> silent = not_probed(verdict);
  if (!classes.empty())
    std::erase_if(silent, [&](const std::string& one) { return std::ranges::find(classes, one) == classes.end(); });
  return silent;
}

/// A statement about operators or classes that were probed rests on the probes; others keep what they rest on. What is
/// said of classes of which no probe was recorded is assumed.
void set_evidence(profiles::Statement& statement, const ProbeVerdict& verdict, const std::string& device) {
  const Behind found = behind(verdict, statement.match.classes);
  const bool probed = statement.match.ops.empty() && found.elements > 0;
  if (probed) statement.evidence = evidence_of(found, device);
  if (const auto silent = silent_among(statement.match.classes, verdict); probed && !silent.empty()) {
    statement.evidence.source += "; no probe of " + join(silent, ", ") + " was recorded";
    statement.evidence.certainty = "assumed";
  }
  if (statement.evidence.source.empty()) statement.evidence = {"a combination that was not probed", "assumed"};
}

profiles::NotModelled gap(const GroupVerdict& group, const std::string& device) {
  std::vector<std::string> probes;
  std::string about;
  for (const ProbeFit& probe : group.probes) {
    if (probe.kind != FitGroup::Kind::exact) probes.push_back(probe.name);
    if (probe.by_table())
      about += fmt::format("; {} is straight between {} entries of a table", probe.name, probe.segments + 1);
    if (!probe.constant.empty()) about += fmt::format("; {} is {} for every argument", probe.name, probe.constant);
  }
  const std::string apart =
      group.worst_steps == kNoSteps
          ? std::string("a NaN is on one side alone")
          : fmt::format("the largest difference is {} steps of the results' format", group.worst_steps);
  return {group.name + fmt::format(": {} of {} values differ", group.elements - group.equal, group.elements),
          fmt::format("this policy does not give all bits of the probes {}; {}", join(probes, ", "), apart) + about,
          {"assay probe" + (device.empty() ? std::string() : ", recorded with " + device), "measured"}};
}

}  // namespace

std::vector<std::string> not_probed(const ProbeVerdict& verdict) {
  std::vector<std::string> silent;
  for (const std::string_view numeric : kClasses)
    if (std::ranges::none_of(verdict.groups, [&](const GroupVerdict& g) { return class_of(g.name) == numeric; }))
      silent.emplace_back(numeric);
  return silent;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

profiles::Profile profile_of(const ProbeVerdict& verdict, const std::string& name, const std::string& device) {
  const FitGroup& best = verdict.fit.groups.front();
  const Hypothesis& likeliest = best.members.front();
  profiles::Profile profile;
  profile.name = name;
  const auto silent = not_probed(verdict);
  profile.doc =
      "Probed" + (device.empty() ? std::string() : " with " + device) +
      (verdict.mode.empty() ? std::string() : ", " + verdict.mode) + ": " + best.words +
      (silent.empty() ? "." : "; no probe of " + join(silent, ", ") + " was recorded, and these are assumed.");
  profile.storage = likeliest.policy.storage.type;
  profiles::Variant variant = likeliest.policy;
  variant.name = "only";
  variant.doc = profile.doc;
  leave_out_overridden(variant.statements);
  variant.own = 0;
  for (profiles::Statement& statement : variant.statements) set_evidence(statement, verdict, device);
  profile.variants.push_back(std::move(variant));
  for (const GroupVerdict& group : verdict.groups)
    if (group.kind != FitGroup::Kind::exact) profile.not_modelled.push_back(gap(group, device));
  return profile;
}

}  // namespace assay::audit
