#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "audit/fingerprint/vocabulary.h"
#include "base/text.h"
#include "report/fingerprint.h"
#include "report/text.h"
#include "report/words.h"

namespace assay::report {
namespace {

using audit::FitGroup;
using audit::FitResult;
using Row = std::vector<std::string>;

constexpr size_t kListed = 20;  // policies of a group, and excluded groups; the JSON has all

std::string numbers(const std::vector<int64_t>& values) {
  std::vector<std::string> words;
  for (size_t i = 0; i < std::min(values.size(), kListed); ++i) words.push_back(std::to_string(values[i]));
  return join(words, ", ") + (values.size() > kListed ? fmt::format(" and {} more", values.size() - kListed) : "");
}

std::string zero_points(int64_t lowest, int64_t highest) {
  if (lowest == highest) return std::to_string(lowest);
  return fmt::format("{} to {}", lowest, highest);
}

/// What outputs show beyond their lattice, one line each.
std::vector<std::string> notes_of(const audit::Traits& t) {
  std::vector<std::string> notes;
  const auto name = [](num::FormatId id) { return num::format(id).name; };
  if (t.range.clamped)
    notes.push_back(fmt::format("clamped at {}, the largest {}: {} there, none beyond", shortest(t.range.largest),
                                name(*t.range.clamped), how_many(t.range.at_largest, "value is", "values are")));
  if (t.range.infinite > 0)
    notes.push_back(fmt::format("{}; the largest finite value is {}{}",
                                how_many(t.range.infinite, "infinity", "infinities"), shortest(t.range.largest),
                                t.range.overflowed ? fmt::format(", so {} overflows", name(*t.range.overflowed)) : ""));
  if (t.range.nan > 0) notes.push_back(grouped(t.range.nan) + " NaN");
  for (const audit::Subnormals& s : t.subnormals) {
    if (s.seen > 0)
      notes.push_back(fmt::format("{} subnormals are kept: {}", name(s.format), how_many(s.seen, "value")));
    if (s.flushed())
      notes.push_back(
          fmt::format("{} subnormals are flushed: none among values of which {} different ones lie just above, {} of "
                      "evidence",
                      name(s.format), grouped(s.beside), how_many(s.beside, "bit")));
  }
  if (t.scaled)
    notes.push_back(fmt::format(
        "integers times {}: q - z from {} to {}, {} of evidence; zero point {} of int8, {} of uint8",
        shortest(t.scaled->scale), t.scaled->lowest, t.scaled->highest, how_many(t.scaled->evidence_bits, "bit"),
        zero_points(t.scaled->int8_lowest, t.scaled->int8_highest),
        zero_points(t.scaled->uint8_lowest, t.scaled->uint8_highest)));
  if (t.mixed)
    notes.push_back(fmt::format("mixed along axis {}: {} on {}, {} of evidence; not: {}", t.mixed->axis,
                                numbers(t.mixed->narrow), name(t.mixed->format),
                                how_many(t.mixed->evidence_bits, "bit"), numbers(t.mixed->wide)));
  return notes;
}

uint64_t worst_steps(const FitGroup& group) {
  uint64_t worst = 0;
  for (const auto& fit : group.fit.cases)
    for (const audit::ArrayFit& array : fit->arrays) worst = std::max(worst, array.worst_steps);
  return worst;
}

double max_abs(const FitGroup& group) {
  double worst = 0;
  for (const auto& fit : group.fit.cases)
    for (const audit::ArrayFit& array : fit->arrays) worst = std::max(worst, array.max_abs);
  return worst;
}

std::string largest_difference(const FitGroup& group) { return difference_text(worst_steps(group), max_abs(group)); }

/// Members with a name under their words; then what may be changed of the simplest without changing a bit.
std::string members_text(const FitGroup& group) {
  std::vector<std::pair<std::string, std::vector<std::string>>> named;
  std::vector<std::string> changes;
  for (const audit::Hypothesis& h : group.members) {
    if (!h.changes.empty()) {
      changes.push_back(join(h.changes, " and "));
      continue;
    }
    const std::string words = audit::in_words(h.policy);
    auto at = std::ranges::find(named, words, [](const auto& entry) { return entry.first; });
    if (at == named.end()) at = named.insert(at, {words, {}});
    at->second.push_back(h.label());
  }
  std::string out;
  for (const auto& [words, labels] : named) out += fmt::format("  {}: {}\n", words, join(labels, ", "));
  if (named.empty()) out += fmt::format("  {}: {}\n", group.words, group.members.front().label());
  const size_t first = named.empty() ? 1 : 0;
  if (changes.size() <= first) return out;
  out += named.empty() ? "other changes that give these bits:\n" : "changes that make no difference here:\n";
  for (size_t i = first; i < std::min(changes.size(), first + kListed); ++i) out += "  " + changes[i] + "\n";
  if (changes.size() > first + kListed)
    out += fmt::format("  and {} more (--json lists all)\n", changes.size() - first - kListed);
  return out;
}

std::string others_text(const FitResult& fit, size_t from, FitGroup::Kind kind, const char* title) {
  std::vector<Row> rows = {{"equal", "largest difference", "steps", "likelihood", "policy", "in words"}};
  size_t left = 0;
  for (size_t i = from; i < fit.groups.size(); ++i) {
    const FitGroup& group = fit.groups[i];
    if (group.kind != kind) continue;
    if (rows.size() > kListed) {
      ++left;
      continue;
    }
    rows.push_back({fmt::format("{} of {}", grouped(group.fit.equal), grouped(group.fit.elements)),
                    largest_difference(group), steps_text(worst_steps(group)), short_number(group.likelihood),
                    group.members.front().label(), group.words});
  }
  if (rows.size() == 1) return {};
  std::string out = title + table(rows, {true, true, true, true, false, false});
  if (left > 0) out += fmt::format("and {} more groups of policies (--json lists all)\n", left);
  return out;
}

/// Profiles of which some variant was run.
std::set<std::string> profiles_run(const FitResult& fit) {
  std::set<std::string> profiles;
  for (const FitGroup& group : fit.groups)
    for (const audit::Hypothesis& h : group.members)
      if (h.changes.empty()) profiles.insert(h.profile);
  return profiles;
}

/// Policies that were not run: profiles, or variants of those of which others were.
std::string foreign_text(const FitResult& fit) {
  if (fit.foreign.empty()) return {};
  const std::set<std::string> run = profiles_run(fit);
  std::vector<std::string> names;
  size_t made = 0;
  for (const audit::Hypothesis& h : fit.foreign) {
    made += h.changes.empty() ? 0 : 1;
    std::string name = run.contains(h.profile) ? h.label() : h.profile;
    if (h.changes.empty() && std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  std::string out = "excluded without a run, as half of the values or more lie off the format that they round to:\n  ";
  out += join(names, ", ");
  if (made > 0) out += fmt::format("{}{} combinations", names.empty() ? "" : ", and ", made);
  return out + "\n";
}

std::string start_text(const audit::FitStart& start) {
  std::string out;
  if (start.among <= 1)
    out = "it starts at " + clean(start.operation);
  else
    out = fmt::format(
        "it is seen first in {}, which {} writes; it starts there or in one of {} operations before it, of "
        "which nothing was recorded",
        clean(start.array), clean(start.operation), start.among - 1);
  return out + (start.after.empty() ? "\n" : "; within rounding until then: " + join(start.after, ", ") + "\n");
}

/// How far the values at hand bear the explanation.
std::string chance_text(const FitResult& fit) {
  if (!fit.may_be_chance()) return {};
  if (fit.margin_bits >= num::kEnoughEvidence)
    return fmt::format(
        "this may be chance: {} formats apart, and what one side flushes to 0 costs much and says little\n",
        how_many(fit.telling, "value tells", "values tell"));
  if (fit.format_bits < num::kEnoughEvidence)
    return "this may be chance: below 32 bits a policy that was not tried may give these bits too; more values tell "
           "more\n";
  return fmt::format(
      "the format that it stores has {} of evidence; what else it does may be chance, as the next is less than 32 bits "
      "away\n",
      how_many(fit.format_bits, "bit"));
}

/// What is left where neither a policy nor another order explains the outputs.
std::string unexplained_text(const FitResult& fit) {
  const std::string head =
      "not rounding: no policy that was tried explains these outputs, nor another order of its sums";
  if (!fit.too_few()) return head + ": a defect, quantisation, or a policy that is not known\n";
  return fmt::format("{}; {} formats apart, too few to tell a defect from a policy that is not known\n", head,
                     how_many(fit.telling, "value tells", "values tell"));
}

/// The likeliest group where it gives all bits.
std::string exact_text(const FitResult& fit) {
  const FitGroup& best = fit.groups.front();
  std::string out;
  if (fit.tells_nothing()) {
    out = "these values tell nothing: every policy gives them bit for bit\n";
  } else {
    if (fit.telling == 0)
      out =
          "no value tells formats apart: there are only zeros, NaN, infinities and numbers of few bits, so that many "
          "policies give the same\n";
    out +=
        fmt::format("explained bit for bit by {}; {}\n", best.words,
                    fit.groups.size() == 1 ? "every policy that ran gives these bits"
                                           : fmt::format("the next costs {} more", how_many(fit.margin_bits, "bit")));
    out += chance_text(fit);
  }
  if (best.members.size() > 1) out += "policies that give these bits, which cannot tell them apart:\n";
  return out + members_text(best);
}

}  // namespace

std::string steps_text(uint64_t steps) { return steps == audit::kNoSteps ? "NaN" : grouped(steps); }

std::string difference_text(uint64_t steps, double max_abs) {
  return steps == audit::kNoSteps ? "NaN" : short_number(max_abs);
}

std::string fit_text(const FitResult& fit) {
  std::string out = fmt::format("{} with a name and {}\n", how_many(fit.named, "policy", "policies"),
                                how_many(fit.combined, "combination"));
  size_t from = 1;
  if (fit.verdict == FitResult::Verdict::exact) {
    out += exact_text(fit);
  } else if (fit.verdict == FitResult::Verdict::rounding) {
    out += "no policy gives all bits; within rounding, likeliest first:\n";
    if (fit.too_few())
      out += fmt::format("(their order may be chance: {} formats apart)\n",
                         how_many(fit.telling, "value tells", "values tell"));
    from = 0;
    for (; from < fit.groups.size() && fit.groups[from].kind == FitGroup::Kind::rounding; ++from)
      out += fmt::format("  {}: {}; {} of {} values equal, largest difference {}\n",
                         fit.groups[from].members.front().label(), fit.groups[from].words,
                         grouped(fit.groups[from].fit.equal), grouped(fit.groups[from].fit.elements),
                         largest_difference(fit.groups[from]));
  } else {
    out += unexplained_text(fit);
    if (fit.start) out += start_text(*fit.start);
    from = 0;
  }
  return out + others_text(fit, from, FitGroup::Kind::excluded, "excluded, likeliest first:\n") +
         others_text(fit, from, FitGroup::Kind::unchecked, "other bits; within rounding or not was not asked:\n") +
         foreign_text(fit);
}

std::string to_text(const std::vector<audit::Fingerprint>& prints, const FitResult* fit) {
  std::vector<Row> rows = {{"array", "type", "values that tell", "format"}};
  std::string notes;
  for (const audit::Fingerprint& f : prints) {
    rows.push_back({clean(f.name), std::string(ir::elem_name(f.declared)) + ir::to_string(f.dims),
                    grouped(f.lattice.counted) + " of " + grouped(f.lattice.values), lattice_text(f.lattice)});
    for (const std::string& note : notes_of(f.traits)) notes += clean(f.name) + ": " + note + "\n";
  }
  std::string out = prints.empty() ? "no floating-point arrays\n" : table(rows) + notes;
  if (fit != nullptr) out += "\n" + fit_text(*fit);
  return out;
}

}  // namespace assay::report
