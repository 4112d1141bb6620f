#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "audit/decision/best.h"
#include "audit/decision/boxes.h"
#include "audit/decision/rule.h"
#include "num/ulp.h"

namespace assay::audit {
namespace {
using Kind = Rule::Kind;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kMostRanked = 4096;  // pairs are counted one by one

bool any_nan(std::span<const double> values) {
  return std::ranges::any_of(values, [](double v) { return std::isnan(v); });
}

double rounded(double threshold, ir::ElemType declared) {
  const auto format = ir::elem_format(declared);
  return format ? num::round(threshold, num::Rounding{.format = num::format(*format)}) : threshold;
}

// The nearest of several distances to a boundary, with the magnitude there.
struct Nearest {
  double distance = kInfinity, at = 0;
  void add(double d, double magnitude) {
    if (d < distance) distance = d, at = magnitude;
  }
};

}  // namespace

double ulp_at(double value, ir::ElemType type) {
  const auto format = ir::elem_format(type);
  return format ? num::ulp_size(value, num::format(*format)) : 1;
}

Judge::Judge(const Rule& rule, ir::ElemType declared)
    : rule_(rule), threshold_(rounded(rule.threshold, declared)), thresholds_(rule.thresholds) {
  for (double& t : thresholds_) t = rounded(t, declared);
  if (thresholds_.empty()) thresholds_ = {threshold_};
}

Status Judge::check(size_t count, size_t columns) const {
  const std::string have = "the score has " + std::to_string(count) + " values per sample";
  const auto bad = [&](const std::string& need, const char* fix) {
    return Error{Code::bad_decision, have + ", " + need, rule_.text(), fix};
  };
  if (count == 0 && rule_.kind != Kind::boxes)
    return bad("there is nothing to decide", "give data for which the output is not empty, or choose another output");
  const std::string rows = "in rows of " + std::to_string(columns);
  switch (rule_.kind) {
    case Kind::threshold:
      if (count == 1) return {};
      return bad("a threshold needs one", "reduce it with --score, as in index(NAME, 1) or max(NAME)");
    case Kind::argmax:
      if (count >= 2) return {};
      return bad("argmax needs two or more", "use threshold:T");
    case Kind::topk:
      if (static_cast<uint64_t>(rule_.k) < count) return {};
      return bad(rule_.text() + " needs more than K", "use a smaller K");
    case Kind::ranking:
      if (count < 2) return bad("ranking needs two or more", "use threshold:T");
      if (rule_.k > static_cast<int64_t>(count)) return bad(rule_.text() + " needs K or more", "use a smaller K");
      if ((rule_.k == 0 ? static_cast<int64_t>(count) : rule_.k) <= kMostRanked) return {};
      return bad("ranking orders at most 4096", "order the best: ranking:100");
    case Kind::boxes:
      if (columns == kBoxColumns) return {};
      return bad(rows + "; boxes need rows of x1, y1, x2, y2, score, class",
                 "put them together: --score 'detections(BOXES, SCORES, CLASSES)'");
    case Kind::ctc:
    case Kind::sequence:
      if (columns < 2) return bad(rows + "; a step needs a value for each of two or more symbols", "use another rule");
      if (std::max(rule_.blank, rule_.end) < static_cast<int64_t>(columns)) return {};
      return bad(rows + ", which lack symbol " + std::to_string(std::max(rule_.blank, rule_.end)),
                 "symbols count from 0 along the last axis");
    case Kind::tolerance:
      return {};
    case Kind::multilabel:
      break;
  }
  if (thresholds_.size() == 1 || thresholds_.size() == count) return {};
  return bad(std::to_string(thresholds_.size()) + " thresholds are given", "give one threshold, or one for each label");
}

Judged Judge::judge(std::span<const double> scores, size_t columns) const {
  const auto decide = [&]() -> Judged {
    switch (rule_.kind) {
      case Kind::threshold:
        return judge_threshold(scores);
      case Kind::argmax:
        return judge_best(scores, 1);
      case Kind::topk:
        return judge_best(scores, static_cast<size_t>(rule_.k));
      case Kind::ranking:
        return judge_best(scores, rule_.k == 0 ? scores.size() : static_cast<size_t>(rule_.k));
      case Kind::boxes:
        return judge_boxes(scores);
      case Kind::ctc:
      case Kind::sequence:
        return judge_steps(scores, columns);
      case Kind::tolerance:
        return judge_tolerance(scores);
      case Kind::multilabel:
        break;
    }
    return judge_labels(scores);
  };
  Judged judged = decide();
  judged.values.assign(scores.begin(), scores.end());
  judged.columns = columns;
  return judged;
}

Judged Judge::judge_threshold(std::span<const double> scores) const {
  Judged judged;
  judged.score = scores[0];
  judged.boundary = threshold_;
  if (!std::isnan(scores[0]))
    judged.decision.value = (rule_.strict ? scores[0] > threshold_ : scores[0] >= threshold_) ? 1 : 0;
  return judged;
}

// argmax, topk, ranking.
Judged Judge::judge_best(std::span<const double> scores, size_t k) const {
  Judged judged;
  judged.score = kNan;
  if (any_nan(scores)) return judged;
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto value = [&](int64_t i) { return scores[static_cast<size_t>(i)]; };
  // The lowest index wins ties.
  const auto better = [&](int64_t a, int64_t b) { return value(a) > value(b) || (value(a) == value(b) && a < b); };
  const size_t ordered = std::min(k + 1, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(ordered), order.end(), better);
  Nearest nearest;
  for (size_t i = rule_.kind == Kind::ranking ? 1 : k; i < ordered; ++i) {
    const double last = value(order[i - 1]), next = value(order[i]);
    nearest.add(gap(last, next), std::max(std::abs(last), std::abs(next)));
  }
  judged.score = nearest.distance;
  judged.boundary = nearest.at;
  judged.decision.value = rule_.kind == Kind::ranking ? 0 : order[0];
  if (rule_.kind == Kind::argmax) return judged;
  judged.decision.top.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k));
  if (rule_.kind == Kind::topk) std::sort(judged.decision.top.begin(), judged.decision.top.end());
  return judged;
}

Judged Judge::judge_labels(std::span<const double> scores) const {
  Judged judged;
  judged.score = kNan;
  if (any_nan(scores)) return judged;
  judged.decision.value = 0;
  Nearest nearest;
  for (size_t i = 0; i < scores.size(); ++i) {
    const double t = threshold_of(i);
    if (rule_.strict ? scores[i] > t : scores[i] >= t) judged.decision.top.push_back(static_cast<int64_t>(i));
    nearest.add(std::abs(gap(scores[i], t)), t);
  }
  judged.score = nearest.distance;
  judged.boundary = nearest.at;
  return judged;
}

// The best symbol of every step; ctc: without repetitions and blanks; sequences: as far as the symbol that ends them.
Judged Judge::judge_steps(std::span<const double> scores, size_t columns) const {
  Judged judged;
  judged.score = kNan;
  if (any_nan(scores)) return judged;
  judged.decision.value = 0;
  Nearest nearest;
  int64_t before = -1;
  for (size_t begin = 0; begin + columns <= scores.size(); begin += columns) {
    const auto row = scores.subspan(begin, columns);
    const size_t best = largest(row);
    const double next = largest_but(row, best);
    nearest.add(gap(row[best], next), std::max(std::abs(row[best]), std::abs(next)));
    const auto symbol = static_cast<int64_t>(best);
    if (rule_.kind == Kind::sequence && symbol == rule_.end) break;
    const bool skipped = rule_.kind == Kind::ctc && (symbol == rule_.blank || symbol == before);
    if (!skipped) judged.decision.top.push_back(symbol);
    before = symbol;
  }
  judged.score = nearest.distance;
  judged.boundary = nearest.at;
  return judged;
}

Judged Judge::judge_boxes(std::span<const double> scores) const {
  Judged judged;
  judged.score = kNan;
  judged.boundary = threshold_;
  Nearest nearest;
  for (size_t i = 0; i + kBoxColumns <= scores.size(); i += kBoxColumns) {
    const auto row = scores.subspan(i, kBoxColumns);
    if (std::isnan(row[4])) return {.decision = {}, .score = kNan, .boundary = threshold_};
    nearest.add(std::abs(gap(row[4], threshold_)), threshold_);
    if (row[4] < threshold_) continue;
    if (any_nan(row)) return {.decision = {}, .score = kNan, .boundary = threshold_};
    judged.decision.detections.push_back(detection_of(row, rule_.format));
  }
  judged.decision.value = 0;
  judged.score = nearest.distance;
  return judged;
}

Judged Judge::judge_tolerance(std::span<const double> scores) const {
  Judged judged;
  judged.decision.value = 0;
  judged.decision.values.assign(scores.begin(), scores.end());
  judged.score = kInfinity;
  for (const double v : scores)
    if (!std::isnan(v)) judged.score = std::min(judged.score, allowed(v));
  return judged;
}

double Judge::allowed(double reference) const {
  return std::isfinite(reference) ? rule_.abs_tolerance + rule_.rel_tolerance * std::abs(reference) : 0;
}

bool Judge::same(const Decision& d, const Decision& reference) const {
  if (d.undefined() || reference.undefined()) return d.undefined() && reference.undefined();
  if (rule_.kind == Kind::boxes) return match(reference.detections, d.detections, rule_.iou).same();
  if (rule_.kind != Kind::tolerance) return d == reference;
  return change(reference, d).empty();
}

}  // namespace assay::audit
