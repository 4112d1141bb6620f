#include "audit/decision/boxes.h"

#include <algorithm>

namespace assay::audit {
namespace {
struct Pair {
  double overlap;
  size_t a, b;
};

// Classes are whole numbers; what a broken output holds instead is one too.
int64_t label_of(double value) {
  constexpr double kMost = 0x1p53;
  return static_cast<int64_t>(std::clamp(value, -kMost, kMost));
}

double area(const Detection& d) { return std::max(d.x2 - d.x1, 0.0) * std::max(d.y2 - d.y1, 0.0); }
}  // namespace

Detection detection_of(std::span<const double> row, BoxFormat format) {
  Detection d{row[0], row[1], row[2], row[3], row[4], label_of(row[5])};
  switch (format) {
    case BoxFormat::xyxy:
      break;
    case BoxFormat::xywh:
      d.x2 = d.x1 + row[2];
      d.y2 = d.y1 + row[3];
      break;
    case BoxFormat::cxcywh:
      d = {row[0] - row[2] / 2, row[1] - row[3] / 2, row[0] + row[2] / 2, row[1] + row[3] / 2, d.score, d.label};
      break;
    case BoxFormat::yxyx:
      d = {row[1], row[0], row[3], row[2], d.score, d.label};
      break;
  }
  return d;
}

double overlap(const Detection& a, const Detection& b) {
  if (a.x1 == b.x1 && a.y1 == b.y1 && a.x2 == b.x2 && a.y2 == b.y2) return 1;
  const double w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1), h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (!(w > 0) || !(h > 0)) return 0;
  const double both = w * h;
  return both / (area(a) + area(b) - both);
}

BoxMatch match(const std::vector<Detection>& reference, const std::vector<Detection>& other, double iou) {
  std::vector<Pair> pairs;
  for (size_t a = 0; a < reference.size(); ++a)
    for (size_t b = 0; b < other.size(); ++b)
      if (const double o = overlap(reference[a], other[b]); o > 0) pairs.push_back({o, a, b});
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& x, const Pair& y) { return x.overlap > y.overlap; });
  std::vector<bool> used_a(reference.size()), used_b(other.size());
  const auto take = [&](double least, bool one_class) {
    uint64_t taken = 0;
    for (const Pair& p : pairs) {
      const bool alike = reference[p.a].label == other[p.b].label;
      if (p.overlap < least || used_a[p.a] || used_b[p.b] || (one_class && !alike)) continue;
      used_a[p.a] = used_b[p.b] = true;
      ++taken;
    }
    return taken;
  };
  BoxMatch out;
  take(iou, true);
  out.relabelled = take(iou, false);
  out.moved = take(0, true);
  out.lost = static_cast<uint64_t>(std::count(used_a.begin(), used_a.end(), false));
  out.found = static_cast<uint64_t>(std::count(used_b.begin(), used_b.end(), false));
  return out;
}

}  // namespace assay::audit
