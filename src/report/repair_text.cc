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

std::string listed(const std::vector<BlamedOp>& ops) {
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(ops.size(), kMostRows); ++i)
    names.push_back(ops[i].type + " " + (ops[i].node.empty() ? ops[i].name : ops[i].node));
  const std::string more = ops.size() > kMostRows ? fmt::format(" and {} more", ops.size() - kMostRows) : "";
  return clean(join(names, ", ")) + more;
}

// What is in float32 and was not chosen.
std::string others(const RepairResult& r) {
  std::string out;
  if (!r.always.empty())
    out +=
        "  in float32 in any case, for no type of the file or of the provider lowers them: " + listed(r.always) + "\n";
  if (!r.carried.empty()) out += "  in float32 with what they move: " + listed(r.carried) + "\n";
  return out;
}

std::string price(const RepairResult& r) {
  const double part =
      r.all_cost.total() == 0 ? 0 : static_cast<double>(r.cost.total()) / static_cast<double>(r.all_cost.total());
  std::string out = fmt::format("  cost: {} and {} more than in 16 bits, {}", how_many(r.cost.bytes, "byte"),
                                how_many(r.cost.multiply_adds, "multiply-add"), how_many(r.cost.casts, "cast"));
  if (!r.float32_is_better()) return out + "; " + percent(part) + " of float32 throughout\n";
  out += r.cost.total() == r.all_cost.total() ? ": as much as float32 throughout" : ": more than float32 throughout";
  const auto typed = std::ranges::find(r.fixes, "typed-format", &audit::FreeFix::kind);
  return out + ". Float32 throughout is the better choice: " +
         (typed != r.fixes.end() && typed->meets ? clean(typed->what) : "the model as it is, run in float32") + "\n";
}

std::string how_needed(const RepairResult& r) {
  if (r.minimal) return ", each of them needed";
  if (r.sets >= r.budget) return "; the budget ended before each was tried";
  return "; the written file misses the goal with fewer that were tried";
}

std::string kept(const RepairResult& r) {
  if (!r.found) return "no set of operations in float32 meets the goal\n";
  if (r.kept_operations.empty()) return "no operation needs float32\n";
  if (r.kept.empty()) return "no operation that can be chosen needs float32\n" + others(r) + price(r);
  std::string out = fmt::format("{} of {} stay{} in float32{}:\n", r.kept.size(), how_many(r.ops.size(), "operation"),
                                r.kept.size() == 1 ? "s" : "", how_needed(r));
  std::vector<Row> rows;
  for (size_t i = 0; i < std::min(r.kept.size(), kMostRows); ++i) {
    const BlamedOp& op = r.ops[r.kept[i]];
    rows.push_back({"  " + clean(op.type), clean(called(op, r.ops))});
  }
  out += table(rows);
  if (r.kept.size() > kMostRows) out += fmt::format("  ... and {} more: the JSON has all\n", r.kept.size() - kMostRows);
  return out + others(r) + price(r);
}

std::string front(const RepairResult& r) {
  if (r.front.size() < 2) return "";
  std::vector<Row> rows = {
      {"  in float32", "cost", r.goal.kind == Goal::Kind::error ? "error, searched" : "flips, searched", "held out"}};
  for (const audit::FrontPoint& p : r.front)
    rows.push_back({"  " + how_many(p.kept.size(), "operation"), grouped(p.cost.total()), standing(p.searched, r.goal),
                    standing(p.held, r.goal)});
  std::string out = std::string("\n").append(table(rows, {false, true, true, true}));
  if (!r.always.empty() || !r.carried.empty()) out += "  beside these what is in float32 in any case\n";
  return out;
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
  for (const audit::WrittenFile& f : r.files)
    if (!f.note.empty()) out += "  " + f.note + "\n";
  if (!r.configured.empty()) out += "the configurations are for " + clean(r.configured) + ", the rescaled model\n";
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
  if (!r.rescaled.empty()) out += "the model's layers were rescaled first: " + clean(join(r.rescaled, ", ")) + "\n";
  if (r.unrescaled) out += "before that: " + standing(*r.unrescaled, r.goal) + "\n";
  out += fmt::format("{}: {} searched, {} held out\n\n", r.rescaled.empty() ? "as it is" : "rescaled",
                     standing(r.before_searched, r.goal), standing(r.before_held, r.goal));
  out += fixes(r) + kept(r);
  if (r.found)
    out += fmt::format("  searched: {}, held out: {}; {} tried\n", standing(r.searched, r.goal),
                       standing(r.held, r.goal), how_many(r.sets, "set was", "sets were"));
  out += front(r) + "\n" + files(r);
  const std::string verdict = r.reached ? "the goal is reached" : "the goal is not reached";
  return out + (colour ? fmt::format("\033[{}m{}\033[0m\n", r.reached ? "32;1" : "31;1", verdict) : verdict + "\n");
}

}  // namespace assay::report
