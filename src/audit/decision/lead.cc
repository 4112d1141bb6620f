// How far a decision is from another one: in ULPs, and in units of the score.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "audit/decision/best.h"
#include "audit/decision/boxes.h"
#include "audit/decision/rule.h"

namespace assay::audit {
namespace {
using Kind = Rule::Kind;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Smallest distance between neighbours of an order of `values`, and of the last in the order to all that are not.
double order_lead(std::span<const double> values, const std::vector<int64_t>& order, bool set) {
  std::vector<bool> in(values.size());
  double last = kInfinity, lead = kInfinity, rest = -kInfinity;
  for (const int64_t i : order) {
    const double v = values[static_cast<size_t>(i)];
    if (!set && last != kInfinity) lead = std::min(lead, gap(last, v));
    last = set ? std::min(last, v) : v;
    in[static_cast<size_t>(i)] = true;
  }
  for (size_t i = 0; i < values.size(); ++i)
    if (!in[i]) rest = std::max(rest, values[i]);
  return order.size() == values.size() ? lead : std::min(lead, gap(last, rest));
}

std::vector<double> box_scores(std::span<const double> values) {
  std::vector<double> scores;
  for (size_t i = 4; i < values.size(); i += kBoxColumns) scores.push_back(values[i]);
  std::sort(scores.begin(), scores.end(), std::greater<>());
  return scores;
}
}  // namespace

double Judge::margin_ulp(const Judged& sample, const Decision& side, ir::ElemType storage) const {
  if (sample.decision.undefined()) return kNan;
  if (rule_.kind == Kind::tolerance) {
    double least = kInfinity;
    for (size_t i = 0; i < side.values.size() && i < sample.values.size(); ++i) {
      const double r = side.values[i], c = sample.values[i];
      if (r != c && !std::isfinite(r - c)) {
        if (!(std::isnan(r) && std::isnan(c))) return -kInfinity;
        continue;
      }
      const double left = r == c ? allowed(r) : allowed(r) - std::abs(c - r);
      if (std::isfinite(r) && left != 0) least = std::min(least, left / ulp_at(r, storage));
      if (left == 0) least = std::min(least, 0.0);
    }
    return least;
  }
  double distance = sample.score;
  if (rule_.kind == Kind::threshold) {
    distance = sample.score == sample.boundary ? 0 : std::abs(sample.score - sample.boundary);
  }
  const double sign = same(sample.decision, side) ? 1 : -1;
  if (distance == 0) return 0;
  const double ulp = ulp_at(sample.boundary, storage);
  return sign * (ulp > 0 ? distance / ulp : kInfinity);
}

double Judge::lead(const Judged& sample, const Judged& reference) const {
  const Decision& side = reference.decision;
  if (side.undefined() || sample.decision.undefined() || sample.values.size() != reference.values.size()) return kNan;
  const std::span<const double> v = sample.values;
  double least = kInfinity;
  const auto across = [&](double value, double threshold, bool above) {
    least = std::min(least, above ? gap(value, threshold) : gap(threshold, value));
  };
  switch (rule_.kind) {
    case Kind::threshold:
      across(v[0], threshold_, side.value == 1);
      return least;
    case Kind::argmax: {
      const auto winner = static_cast<size_t>(side.value);
      return gap(v[winner], largest_but(v, winner));
    }
    case Kind::topk:
    case Kind::ranking:
      return order_lead(v, side.top, rule_.kind == Kind::topk);
    case Kind::multilabel:
      for (size_t i = 0, next = 0; i < v.size(); ++i) {
        const bool positive = next < side.top.size() && side.top[next] == static_cast<int64_t>(i);
        next += positive ? 1 : 0;
        across(v[i], threshold_of(i), positive);
      }
      return least;
    case Kind::ctc:
    case Kind::sequence:
      for (size_t begin = 0; begin + sample.columns <= v.size(); begin += sample.columns) {
        const size_t best = largest(std::span(reference.values).subspan(begin, sample.columns));
        const auto row = v.subspan(begin, sample.columns);
        least = std::min(least, gap(row[best], largest_but(row, best)));
        if (rule_.kind == Kind::sequence && static_cast<int64_t>(best) == rule_.end) break;
      }
      return least;
    case Kind::boxes: {
      // Detections come in another order from another program: the n-th best score is compared with the n-th best.
      const std::vector<double> mine = box_scores(v), theirs = box_scores(reference.values);
      for (size_t i = 0; i < mine.size(); ++i) across(mine[i], threshold_, theirs[i] >= threshold_);
      return least;
    }
    case Kind::tolerance:
      break;
  }
  for (size_t i = 0; i < v.size(); ++i) {
    const double r = reference.values[i], apart = r == v[i] ? 0 : std::abs(v[i] - r);
    if (!std::isnan(apart)) least = std::min(least, allowed(r) - apart);
  }
  return least;
}

}  // namespace assay::audit
