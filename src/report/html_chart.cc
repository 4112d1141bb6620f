// Charts as inline SVG.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
using audit::CandidateResult;

constexpr double kWidth = 1040, kHeight = 250, kLeft = 40, kRight = 16, kTop = 26, kBottom = 52;

// Bins of both sides of the boundary, from far below to far above: each side by power of two, and margins of 0.
class MarginAxis {
 public:
  MarginAxis(const audit::Margins& m, bool two_sides) : two_sides_(two_sides) {
    for (const auto* side : {&m.negative, &m.positive})
      for (const auto& [e, n] : side->bins()) {
        low_ = std::min(low_, e);
        high_ = std::max(high_, e);
      }
    low_ = std::max(low_, high_ - 34);
    low_ = std::min(low_, -2);
    side_ = high_ - low_ + 2;  // one more for margins of 0, next to the boundary
  }
  int count() const { return two_sides_ ? 2 * side_ : side_; }
  int low() const { return low_; }
  int high() const { return high_; }
  // Bin of a margin on one side; exponent below low(): counted with the smallest.
  int bin(bool positive, int exponent) const { return place(positive, 1 + std::clamp(exponent, low_, high_) - low_); }
  int zero(bool positive) const { return place(positive, 0); }
  double x(double bin) const { return kLeft + bin * (kWidth - kLeft - kRight) / count(); }
  double boundary() const { return x(two_sides_ ? side_ : 0); }
  // Where a margin of `ulps` stands.
  double x_of(bool positive, double ulps) const {
    const double from_boundary =
        ulps <= 0 ? 0 : std::clamp(1 + std::log2(ulps) - low_, 0.0, static_cast<double>(side_));
    return x(positive ? (two_sides_ ? side_ : 0) + from_boundary : side_ - from_boundary);
  }

 private:
  int place(bool positive, int from_boundary) const {
    if (positive) return (two_sides_ ? side_ : 0) + from_boundary;
    return side_ - 1 - from_boundary;
  }
  bool two_sides_;
  int low_ = 0, high_ = 0, side_ = 0;
};

std::string bar(const MarginAxis& axis, int bin, double height, const char* kind, const std::string& title) {
  const double x = axis.x(bin) + 1, w = axis.x(bin + 1) - axis.x(bin) - 2, y = kHeight - kBottom - height;
  return fmt::format(
      R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"><title>{}</title></rect>)", kind,
      x, y, std::max(w, 1.0), height, escape(title));
}

std::string ticks(const MarginAxis& axis, bool two_sides) {
  std::string out;
  const int step = std::max(1, (axis.high() - axis.low() + 6) / 7);
  for (const bool positive : {false, true}) {
    if (!positive && !two_sides) continue;
    for (int e = axis.low() + 1; e <= axis.high(); e += step) {
      const double x = axis.x_of(positive, std::exp2(e));
      const std::string label = e < 0 && e > -10   ? fmt::format("1/{}", 1 << -e)
                                : e >= 0 && e < 14 ? std::to_string(1 << e)
                                                   : fmt::format("2^{}", e);
      out += fmt::format(
          R"(<line class="axis" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/><text x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>)",
          x, kHeight - kBottom, kHeight - kBottom + 5, kHeight - kBottom + 18, label);
    }
  }
  return out;
}

std::string band(const MarginAxis& axis, const audit::AuditResult& audit, const CandidateResult& c) {
  if (c.interval.empty()) return "";
  const bool below = !c.interval.becomes_positive.empty();
  const num::Interval& i = below ? c.interval.becomes_positive : c.interval.becomes_negative;
  const double ulp = audit::ulp_at(audit.threshold, c.storage);
  const double far = below ? audit.threshold - i.low : i.high - audit.threshold;
  const double a = axis.x_of(!below, far / ulp), b = axis.boundary();
  return fmt::format(
      R"(<rect class="band" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>rounding interval {}</title></rect>)",
      std::min(a, b), kTop - 8, std::abs(b - a), kHeight - kBottom - kTop + 8,
      escape(fmt::format("{} to {}", shortest(i.low), shortest(i.high))));
}

std::string interval_text(const CandidateResult& c, const audit::AuditResult& audit) {
  // Scores that are computed from the outputs are never stored: no interval can be given for them.
  if (c.interval.empty())
    return ir::elem_bits(c.storage) < ir::elem_bits(audit.score_type)
               ? ""
               : std::string(ir::elem_name(c.storage)) + ": rounding the score to it changes no decision.";
  const bool below = !c.interval.becomes_positive.empty();
  const num::Interval& i = below ? c.interval.becomes_positive : c.interval.becomes_negative;
  return fmt::format("A score in {}{}, {}{} becomes {} merely by being stored as {}.", i.low_included ? "[" : "(",
                     shortest(i.low), shortest(i.high), i.high_included ? "]" : ")", below ? "positive" : "negative",
                     ir::elem_name(c.storage));
}

// Samples that flip under some candidate of the group, by bin.
std::map<int, uint64_t> flips_by_bin(const MarginAxis& axis, const std::vector<const CandidateResult*>& like,
                                     bool two_sides) {
  std::map<int, uint64_t> out;
  std::set<int64_t> seen;
  for (const CandidateResult* c : like) {
    for (const audit::Case& flip : c->flips) {
      if (flip.reference_decision.undefined() || !seen.insert(flip.sample).second) continue;
      const bool positive = !two_sides || flip.reference_decision.value == 1;
      const bool zero = flip.margin_ulp == 0;
      const int e = std::isfinite(flip.margin_ulp) && !zero ? audit::exponent_of(flip.margin_ulp) : axis.high();
      ++out[zero ? axis.zero(positive) : axis.bin(positive, e)];
    }
  }
  return out;
}
}  // namespace

std::string margin_chart(const audit::AuditResult& audit, const std::vector<const CandidateResult*>& like) {
  const CandidateResult& c = *like.front();
  const bool two = audit.rule.kind == audit::Rule::Kind::threshold;
  const MarginAxis axis(c.margins, two);
  std::map<int, uint64_t> bins;
  for (const auto& [e, n] : c.margins.negative.bins()) bins[axis.bin(false, e)] += n;
  for (const auto& [e, n] : c.margins.positive.bins()) bins[axis.bin(true, e)] += n;
  if (c.margins.zero_negative > 0) bins[axis.zero(false)] += c.margins.zero_negative;
  if (c.margins.zero_positive > 0) bins[axis.zero(true)] += c.margins.zero_positive;
  uint64_t most = 1;
  for (const auto& [bin, n] : bins) most = std::max(most, n);
  // Logarithmic heights: a bin of one sample must be seen beside one of thousands.
  const auto height = [&](uint64_t n) {
    return (kHeight - kTop - kBottom) * std::log2(1.0 + static_cast<double>(n)) /
           std::log2(1.0 + static_cast<double>(most));
  };
  std::string svg = fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="margins in ULPs of {}">)", kWidth,
                                kHeight, ir::elem_name(c.storage));
  svg += band(axis, audit, c);
  const auto flips = flips_by_bin(axis, like, two);
  for (const auto& [bin, n] : bins) svg += bar(axis, bin, height(n), "bar", how_many(n, "sample"));
  for (const auto& [bin, n] : flips) svg += bar(axis, bin, height(n), "hit", how_many(n, "flip"));
  for (const auto& [bin, n] : bins)
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
                       (axis.x(bin) + axis.x(bin + 1)) / 2, kHeight - kBottom - height(n) - 4,
                       n < 1000 ? std::to_string(n) : fmt::format("{:.3g}k", static_cast<double>(n) / 1000));
  svg += fmt::format(R"(<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>)", kLeft, kWidth - kRight,
                     kHeight - kBottom, kHeight - kBottom);
  svg += fmt::format(R"(<line class="cut" x1="{0:.1f}" x2="{0:.1f}" y1="8" y2="{1}"/>)", axis.boundary(),
                     kHeight - kBottom);
  svg += ticks(axis, two);
  const double y = kHeight - 12;
  if (two) {
    svg += fmt::format(
        R"(<text class="ink" x="{:.1f}" y="{}" text-anchor="end">&#8592; decided negative</text><text class="ink" x="{:.1f}" y="{}">decided positive &#8594;</text>)",
        axis.boundary() - 12, y, axis.boundary() + 12, y);
  } else {
    const bool wins = audit.rule.kind == audit::Rule::Kind::argmax || audit.rule.kind == audit::Rule::Kind::topk;
    svg += fmt::format(R"(<text class="ink" x="{}" y="{}">{} &#8594;</text>)", kLeft, y,
                       wins ? "lead of the winner" : "distance to another decision");
  }
  svg += "</svg>";
  std::string names;
  for (const CandidateResult* one : like) names += (names.empty() ? "" : ", ") + one->info.program;
  return fmt::format(
      "<figure><h4>In ULPs of {} <span class=\"soft small\">({})</span></h4>{}<p class=\"small soft\">{}</p></figure>",
      ir::elem_name(c.storage), escape(names), svg, two ? escape(interval_text(c, audit)) : "");
}

std::string spark(const audit::Histogram& histogram, std::string_view unit) {
  const auto bins = histogram.bins();
  if (bins.empty()) return "<span class=\"faint\">none</span>";
  const int low = bins.front().first, high = bins.back().first;
  uint64_t most = 1;
  for (const auto& [e, n] : bins) most = std::max(most, n);
  constexpr double kSparkWidth = 170, kSparkHeight = 34;
  const double each = std::min(12.0, kSparkWidth / (high - low + 1));
  std::string svg =
      fmt::format(R"(<svg viewBox="0 0 {0} {1}" style="width:{0}px;height:{1}px">)", kSparkWidth, kSparkHeight);
  for (const auto& [e, n] : bins) {
    const double h = std::max(
        1.5, kSparkHeight * std::log2(1.0 + static_cast<double>(n)) / std::log2(1.0 + static_cast<double>(most)));
    svg += fmt::format(
        R"(<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>2^{} to 2^{} {}: {}</title></rect>)",
        (e - low) * each, kSparkHeight - h, std::max(each - 1, 0.8), h, e, e + 1, unit, grouped(n));
  }
  return svg + fmt::format("</svg><span class=\"faint small\">2<sup>{}</sup> to 2<sup>{}</sup></span>", low, high + 1);
}

}  // namespace assay::report::html
