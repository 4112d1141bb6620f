// What keeps decisions as they are: fixes that cost nothing, and sets of operations in float32, cost against flips.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/html_parts.h"
#include "report/repair_view.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
constexpr double kWidth = 640, kHeight = 240, kLeft = 56, kRight = 20, kTop = 16, kBottom = 44;

std::string standing(const RepairView::Standing& s) {
  std::string out = grouped(s.flips) + " of " + grouped(s.samples);
  return s.error < 0 ? out : out + ", error " + short_number(s.error);
}

// What the goal counts on all samples: flips, or the largest error.
double height_of(const RepairView::Point& p) {
  return p.searched.error < 0 ? static_cast<double>(p.searched.flips + p.held.flips)
                              : std::max(p.searched.error, p.held.error);
}

std::string chart(const RepairView& repair) {
  double most = 1e-300, widest = 1;
  for (const RepairView::Point& p : repair.front) {
    most = std::max(most, height_of(p));
    widest = std::max(widest, static_cast<double>(p.cost));
  }
  const auto x = [&](const RepairView::Point& p) {
    return kLeft + (kWidth - kLeft - kRight) * static_cast<double>(p.cost) / widest;
  };
  const auto y = [&](const RepairView::Point& p) {
    return kHeight - kBottom - (kHeight - kTop - kBottom) * height_of(p) / most;
  };
  const bool error = !repair.front.empty() && repair.front.front().searched.error >= 0;
  std::string svg = fmt::format(
      "<svg class=\"front\" viewBox=\"0 0 {0} {1}\" style=\"max-width:{0}px\" role=\"img\" aria-label=\"Cost of "
      "operations in float32 against {2}\"><line class=\"axis\" x1=\"{3}\" x2=\"{4}\" y1=\"{5}\" y2=\"{5}\"/><line "
      "class=\"axis\" x1=\"{3}\" x2=\"{3}\" y1=\"{6}\" y2=\"{5}\"/>",
      kWidth, kHeight, error ? "the largest error" : "decisions that change", kLeft, kWidth - kRight, kHeight - kBottom,
      kTop);
  std::string line;
  for (const RepairView::Point& p : repair.front)
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x(p), y(p));
  svg += "<path class=\"steps\" d=\"" + line + "\"/>";
  for (const RepairView::Point& p : repair.front)
    svg += fmt::format(
        "<circle class=\"hit\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"><title>{}, cost {}: {} searched, {} kept "
        "aside</title></circle>",
        x(p), y(p), how_many(p.kept.size(), "operation"), grouped(p.cost), standing(p.searched), standing(p.held));
  return svg +
         fmt::format(
             "<text x=\"{0}\" y=\"{1}\">0</text><text x=\"{2}\" y=\"{1}\" text-anchor=\"end\">cost {3}</text><text "
             "x=\"{4}\" y=\"{5}\" text-anchor=\"end\">{6}</text></svg>",
             kLeft, kHeight - kBottom + 18, kWidth - kRight, grouped(static_cast<uint64_t>(widest)), kLeft - 8,
             kTop + 8, error ? short_number(most) : grouped(static_cast<uint64_t>(most)));
}

std::string fixes(const RepairView& repair) {
  if (repair.fixes.empty()) return "";
  std::string out =
      "<h4>Changes that cost nothing</h4><div class=\"scroll\"><table><thead><tr><th scope=\"col\">change</th><th "
      "scope=\"col\">searched</th><th scope=\"col\">kept aside</th><th scope=\"col\">goal</th></tr></thead><tbody>";
  for (const RepairView::Fix& fix : repair.fixes)
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td><span class=\"tag {}\">{}</span></td></tr>",
                       escape(fix.what), standing(fix.searched), standing(fix.held), fix.meets ? "green" : "amber",
                       fix.meets ? "met" : "not met");
  return out + "</tbody></table></div>";
}

std::string points(const RepairView& repair) {
  std::string out =
      "<div class=\"tall scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Sets of operations in float32\"><table "
      "class=\"sets\"><thead><tr><th scope=\"col\">operations</th><th scope=\"col\">cost</th><th "
      "scope=\"col\">bytes</th><th scope=\"col\">multiply-adds</th><th scope=\"col\">casts</th><th "
      "scope=\"col\">searched</th><th scope=\"col\">kept aside</th><th scope=\"col\">in "
      "float32</th></tr></thead><tbody>";
  for (const RepairView::Point& p : repair.front)
    out += fmt::format(
        "<tr><td class=\"r\">{}</td><td class=\"r\">{}</td><td class=\"r\">{}</td><td class=\"r\">{}</td><td "
        "class=\"r\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"mono\">{}</td></tr>",
        p.kept.size(), grouped(p.cost), grouped(p.bytes), grouped(p.multiply_adds), grouped(p.casts),
        standing(p.searched), standing(p.held),
        p.kept.empty() ? (repair.others.empty() ? "none" : "none of those to choose") : escape(join(p.kept, ", ")));
  return out + "</tbody></table></div>";
}
}  // namespace

std::string repairs(const Section& section) {
  std::string out;
  for (const RepairView& repair : section.repairs) {
    out += fmt::format(
        "<h4 class=\"mono\">{}</h4><p>Goal <code>{}</code>: <span class=\"tag {}\">{}</span> before: {} decide "
        "otherwise on what was searched, {} on what was kept aside.</p>",
        escape(repair.candidate), escape(repair.goal), repair.reached ? "green" : "red",
        repair.reached ? "reached" : "not reached", standing(repair.before_searched), standing(repair.before_held));
    if (!repair.kept.empty()) out += "<p>To keep in float32: <code>" + escape(join(repair.kept, ", ")) + "</code></p>";
    if (!repair.others.empty())
      out += "<p>In float32 in any case: <code>" + escape(join(repair.others, ", ")) + "</code></p>";
    if (repair.float32_is_better)
      out += "<p>This costs at least as much as float32 throughout, which is the better choice.</p>";
    for (const std::string& file : repair.files)
      out += "<p>Written and run again: <code>" + escape(file) + "</code></p>";
    out += fixes(repair) + "<h4>Cost against what is left</h4>" + chart(repair) + points(repair) +
           fmt::format("<p class=\"small soft\">Everything in float32 would cost {}.</p>",
                       grouped(repair.cost_of_float32));
  }
  return out;
}

}  // namespace assay::report::html
