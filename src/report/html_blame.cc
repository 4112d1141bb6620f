// Which operations are to blame for which decisions.
#include <fmt/format.h>

#include "base/text.h"
#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
using audit::BlameResult;

std::string name_of(const BlameResult& blame, size_t op) {
  return blame.ops[op].type + " '" + called(blame.ops[op], blame.ops) + "'";
}

std::string names(const BlameResult& blame, const std::vector<size_t>& ops) {
  std::vector<std::string> out;
  out.reserve(ops.size());
  for (const size_t op : ops) out.push_back(name_of(blame, op));
  return out.empty() ? "&#8211;" : escape(join(out, ", "));
}

std::string ranking(const BlameResult& blame, const std::string& program) {
  std::string out;
  for (const audit::BlameRank& rank : blame.ranking()) {
    out += fmt::format("<tr data-candidate=\"{}\"><td class=\"mono\">{}</td><td class=\"mono\">{}</td>",
                       escape(program), escape(program), escape(name_of(blame, rank.op)));
    for (const uint64_t n : {rank.points, rank.undoes, rank.causes, rank.in_smallest, rank.originates, rank.tainted})
      out += fmt::format("<td class=\"r\">{}</td>", grouped(n));
    out += "</tr>";
  }
  return out;
}

std::string samples(const BlameResult& blame, const std::string& program) {
  std::string out;
  for (const audit::SampleBlame& one : blame.samples)
    out += fmt::format(
        "<tr data-candidate=\"{}\" data-verdict=\"{}\"><td class=\"mono\">{}</td><td class=\"r\">{}</td><td><span "
        "class=\"tag {}\">{}</span></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}{}</td></tr>",
        escape(program), one.at_risk ? "at risk" : "flips", escape(program), one.sample, one.at_risk ? "amber" : "red",
        one.at_risk ? "at risk" : "flips", names(blame, one.undo), names(blame, one.cause), names(blame, one.smallest),
        names(blame, one.origins), grouped(one.runs), one.complete ? "" : ", budget ended");
  return out;
}

std::string table(const std::string& rows, const char* of, const std::vector<const char*>& columns) {
  std::string out = fmt::format(
      "<div class=\"tall scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Blame\"><table class=\"{}\"><thead><tr>",
      of);
  for (const char* name : columns) out += fmt::format("<th scope=\"col\">{}</th>", name);
  return out + "</tr></thead><tbody>" + rows + "</tbody></table></div>";
}
}  // namespace

std::string blame(const audit::AuditResult& audit) {
  std::string ranks, all, notes;
  std::vector<std::string> programs;
  for (const audit::CandidateResult& c : audit.candidates) {
    if (!c.blame) continue;
    programs.push_back(c.info.program);
    ranks += ranking(*c.blame, c.info.program);
    all += samples(*c.blame, c.info.program);
    if (c.blame->skipped > 0)
      notes +=
          fmt::format("<p class=\"small soft\">{}: {} beyond the limit {} not searched.</p>", escape(c.info.program),
                      how_many(c.blame->skipped, "sample"), c.blame->skipped == 1 ? "was" : "were");
  }
  if (programs.empty()) return "";
  if (all.empty()) return "<p class=\"soft\">No decision changes: nothing is to blame.</p>";
  const Choice by_candidate{"candidate", "candidate", programs};
  return "<p class=\"small soft\">An operation <b>undoes</b> a change when it alone is computed in float32, and "
         "<b>causes</b> it when it alone is lowered. Where no single one suffices there is a smallest set. "
         "<b>Tainted</b>: "
         "its operands were already off, so the fault may lie before it.</p>" +
         table(ranks, "ranks",
               {"candidate", "operation", "points", "undoes", "causes", "in smallest set", "originates", "tainted"}) +
         "<h4>By sample</h4>" +
         filters("Filter blame", "blame", {by_candidate, {"verdict", "verdict", {"flips", "at risk"}}}) +
         table(all, "blame",
               {"candidate", "sample", "verdict", "undone by", "caused by", "smallest set", "originates in", "runs"}) +
         notes;
}

}  // namespace assay::report::html
