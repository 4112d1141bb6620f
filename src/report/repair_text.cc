#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/repair.h"
#include "report/text.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::BlamedOp;
using audit::Goal;
using audit::RepairResult;
using audit::Standing;
using Row = std::vector<std::string>;

constexpr size_t kMostRows = 12;

// Control characters in names would drive the terminal.
std::string clean(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 120)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > 120 ? "..." : "");
}

std::string standing(const Standing& s, const Goal& goal) {
  if (s.samples == 0) return "-";
  if (goal.kind == Goal::Kind::error) return short_number(s.error);
  return fmt::format("{} of {}", grouped(s.flips), grouped(s.samples));
}

std::string fixes(const RepairResult& r) {
  if (r.fixes.empty()) return "";
  std::vector<Row> rows = {{"  without changing a type", "searched", "held out", ""}};
  for (const audit::FreeFix& fix : r.fixes)
    rows.push_back({"  " + clean(fix.what), standing(fix.searched, r.goal), standing(fix.held, r.goal),
                    fix.meets ? "meets the goal" : ""});
  return table(rows, {false, true, true, false}) + "\n";
}

std::string kept(const RepairResult& r) {
  if (!r.found) return "no set of operations in float32 meets the goal\n";
  if (r.kept.empty()) return "no operation needs float32\n";
  std::string out = fmt::format("{} of {} operations stay in float32{}:\n", r.kept.size(), r.ops.size(),
                                r.minimal ? ", each of them needed" : "; the budget ended before each was tried");
  std::vector<Row> rows;
  for (size_t i = 0; i < std::min(r.kept.size(), kMostRows); ++i) {
    const BlamedOp& op = r.ops[r.kept[i]];
    rows.push_back({"  " + clean(op.type), clean(op.node.empty() ? op.name : op.node)});
  }
  out += table(rows);
  if (r.kept.size() > kMostRows) out += fmt::format("  ... and {} more: the JSON has all\n", r.kept.size() - kMostRows);
  const double part =
      r.all_cost.total() == 0 ? 0 : static_cast<double>(r.cost.total()) / static_cast<double>(r.all_cost.total());
  return out + fmt::format("  cost: {} bytes and {} multiply-adds more than in 16 bits, {}; {} of float32 throughout\n",
                           grouped(r.cost.bytes), grouped(r.cost.multiply_adds), how_many(r.cost.casts, "cast"),
                           percent(part));
}

std::string front(const RepairResult& r) {
  if (r.front.size() < 2) return "";
  std::vector<Row> rows = {
      {"  in float32", "cost", r.goal.kind == Goal::Kind::error ? "error, searched" : "flips, searched", "held out"}};
  for (const audit::FrontPoint& p : r.front)
    rows.push_back({"  " + how_many(p.kept.size(), "operation"), grouped(p.cost.total()), standing(p.searched, r.goal),
                    standing(p.held, r.goal)});
  return std::string("\n").append(table(rows, {false, true, true, true}));
}

std::string files(const RepairResult& r) {
  std::string out;
  if (r.reference_right && r.before_right)
    out = fmt::format("as the labels say: {} decisions of the reference, {} as it is", grouped(*r.reference_right),
                      grouped(*r.before_right));
  if (!out.empty() && !r.files.empty() && r.files[0].right)
    out += fmt::format(", {} repaired", grouped(*r.files[0].right));
  if (!out.empty()) out += "\n";
  for (const audit::WrittenFile& f : r.files)
    out += f.meets ? fmt::format("wrote {}: run as {}, {} ({})\n", clean(f.path), clean(f.program),
                                 standing(f.standing, r.goal), r.goal.text())
                   : fmt::format("{} is not written: run as {}, {}\n", clean(f.path), clean(f.program),
                                 standing(f.standing, r.goal));
  return out;
}

}  // namespace

std::string to_text(const RepairResult& r, bool colour) {
  std::string out = fmt::format("{} on {}, {}, goal {}\n", clean(r.candidate), clean(r.reference),
                                how_many(r.samples, "sample"), r.goal.text());
  if (r.held_out.empty()) {
    out += "no samples were kept aside: nothing says how the repair does on others\n";
  } else {
    out += how_many(r.held_out.size(), "sample was", "samples were") + " kept aside: the search did not see them";
    out += r.moved.empty() ? "\n" : fmt::format(", until {} of them failed and joined it\n", grouped(r.moved.size()));
  }
  if (r.searched_program != r.candidate)
    out += fmt::format("what is searched is {}: a file with types that runs there\n", clean(r.searched_program));
  out += fmt::format("as it is: {} searched, {} held out\n\n", standing(r.before_searched, r.goal),
                     standing(r.before_held, r.goal));
  if (!r.rescaled.empty()) out += "the model's layers were rescaled first: " + clean(join(r.rescaled, ", ")) + "\n";
  out += fixes(r) + kept(r);
  if (r.found)
    out += fmt::format("  searched: {}, held out: {}; {} tried\n", standing(r.searched, r.goal),
                       standing(r.held, r.goal), how_many(r.sets, "set was", "sets were"));
  out += front(r) + "\n" + files(r);
  const std::string verdict = r.reached ? "the goal is reached" : "the goal is not reached";
  return out + (colour ? fmt::format("\033[{}m{}\033[0m\n", r.reached ? "32;1" : "31;1", verdict) : verdict + "\n");
}

}  // namespace assay::report
