#include "report/blame_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/text.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::BlameRank;
using audit::BlameResult;
using audit::SampleBlame;

constexpr size_t kLongestName = 80;
constexpr size_t kMostRows = 10, kMostNames = 4;

std::string name_of(const BlameResult& blame, size_t op) {
  return clean(blame.ops[op].type + " '" + called(blame.ops[op], blame.ops) + "'", kLongestName);
}

std::string names(const BlameResult& blame, const std::vector<size_t>& ops, const char* between) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < std::min(ops.size(), kMostNames); ++i) parts.push_back(name_of(blame, ops[i]));
  const size_t more = ops.size() - parts.size();
  return join(parts, between) + (more > 0 ? fmt::format(" and {} more", more) : "");
}

std::string ranking(const BlameResult& blame) {
  const auto ranks = blame.ranking();
  if (ranks.empty()) return "  no operation is to blame alone or with others\n";
  std::vector<std::vector<std::string>> rows = {
      {"  operation", "points", "undoes", "causes", "in smallest", "goes wrong first"}};
  for (size_t i = 0; i < std::min(ranks.size(), kMostRows); ++i) {
    const BlameRank& r = ranks[i];
    rows.push_back({"  " + name_of(blame, r.op), grouped(r.points), grouped(r.undoes), grouped(r.causes),
                    grouped(r.in_smallest), grouped(r.originates)});
  }
  std::string out = table(rows, {false, true, true, true, true, true});
  if (ranks.size() > kMostRows) out += fmt::format("  ... and {} more: the JSON has all\n", ranks.size() - kMostRows);
  return out;
}

std::string sample_line(const BlameResult& blame, const SampleBlame& one) {
  std::string out = fmt::format("  sample {}: ", one.sample);
  if (!one.undo.empty()) {
    out += "undone by " + names(blame, one.undo, ", or by ") + " in float32";
  } else if (!one.smallest.empty()) {
    out += fmt::format("undone by {} together in float32: {}", one.smallest.size(), names(blame, one.smallest, ", "));
  } else if (one.complete) {
    out += "float32 does not undo it: it is not a matter of precision";
  } else {
    out += "nothing found";
  }
  if (!one.origins.empty()) out += "; goes wrong first at " + names(blame, one.origins, ", ");
  if (!one.complete)
    out += fmt::format("; the {} for one sample did not suffice for all", how_many(blame.budget, "run"));
  return out + "\n";
}

}  // namespace

std::string blame_text(const audit::CandidateResult& candidate) {
  if (!candidate.blame) return "";
  const BlameResult& blame = *candidate.blame;
  if (blame.samples.empty())
    return clean(candidate.info.program, kLongestName) + ": no decision changes, so there is nothing to blame\n\n";
  std::string out =
      fmt::format("{}: what is to blame for {} of {}\n", clean(candidate.info.program, kLongestName),
                  grouped(blame.samples.size()), how_many(blame.samples.size() + blame.skipped, "changed decision"));
  out += ranking(blame);
  for (size_t i = 0; i < std::min(blame.samples.size(), kMostRows); ++i) out += sample_line(blame, blame.samples[i]);
  if (blame.samples.size() > kMostRows)
    out += fmt::format("  ... and {} more: the JSON has all\n", blame.samples.size() - kMostRows);
  return out + "\n";
}

}  // namespace assay::report
