#include "audit/forecast/prove.h"

#include <algorithm>
#include <cmath>

namespace assay::audit {
namespace {
using Kind = Rule::Kind;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Span = std::span<const double>;

struct Bounds {
  Span low, high;
  PairBounds pairs;

  // Whether `winner` stays ahead of `other`: the lower index wins ties.
  bool ahead(size_t winner, size_t other) const {
    if (winner < other ? low[winner] >= high[other] : low[winner] > high[other]) return true;
    if (pairs.bounds.empty() || (pairs.rounded && winner > other)) return false;
    const double apart = pairs.centres[winner] - pairs.centres[other];
    return apart - std::abs(apart) * 0x1p-50 > pairs.bounds[winner * low.size() + other];
  }
  Bounds row(size_t begin, size_t columns) const {
    return {low.subspan(begin, columns), high.subspan(begin, columns), {}};
  }
};

bool stays_best(const Bounds& b, size_t winner) {
  for (size_t i = 0; i < b.low.size(); ++i)
    if (i != winner && !b.ahead(winner, i)) return false;
  return true;
}

// Each of `order` stays ahead of the next, unless they are a set, and of all that are not in it.
bool stays_ordered(const Bounds& b, const std::vector<int64_t>& order, bool set) {
  std::vector<bool> in(b.low.size());
  for (const int64_t i : order) in[static_cast<size_t>(i)] = true;
  for (size_t k = 0; k < order.size(); ++k) {
    const auto i = static_cast<size_t>(order[k]);
    if (!set && k + 1 < order.size() && !b.ahead(i, static_cast<size_t>(order[k + 1]))) return false;
    if (!set && k + 1 < order.size()) continue;  // what the last is ahead of, all are
    for (size_t j = 0; j < b.low.size(); ++j)
      if (!in[j] && !b.ahead(i, j)) return false;
  }
  return true;
}

bool stays_within(const Judge& judge, const Judged& reference, Span low, Span high) {
  for (size_t i = 0; i < low.size(); ++i) {
    const double r = reference.values[i], allowed = judge.allowed(r);
    if (!(high[i] - r <= allowed && r - low[i] <= allowed)) return false;
  }
  return true;
}

bool stays(const Judge& judge, const Judged& reference, const Bounds& b) {
  const Decision& d = reference.decision;
  const Rule& rule = judge.rule();
  switch (rule.kind) {
    case Kind::threshold:
    case Kind::multilabel:
      return judge.judge(b.low).decision == d && judge.judge(b.high).decision == d;
    case Kind::argmax:
      return stays_best(b, static_cast<size_t>(d.value));
    case Kind::topk:
    case Kind::ranking:
      return stays_ordered(b, d.top, rule.kind == Kind::topk);
    case Kind::ctc:
    case Kind::sequence:
      for (size_t begin = 0; begin + reference.columns <= b.low.size(); begin += reference.columns) {
        const Span row(reference.values.data() + begin, reference.columns);
        const auto best = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
        if (!stays_best(b.row(begin, reference.columns), best)) return false;
      }
      return true;
    case Kind::tolerance:
      return stays_within(judge, reference, b.low, b.high);
    case Kind::boxes:
      break;
  }
  return false;
}
}  // namespace

bool provable(const Score& score, const Rule& rule) { return score.bounded() && rule.kind != Kind::boxes; }

void spread(std::vector<double>& low, std::vector<double>& high, Span radius) {
  for (size_t i = 0; i < low.size(); ++i) {
    low[i] = std::nextafter(low[i] - radius[i], -kInfinity);
    high[i] = std::nextafter(high[i] + radius[i], kInfinity);
  }
}

void Reach::add(const Judge& judge, const Judged& reference, Span low, Span high, const PairBounds& pairs) {
  bool numbers = !reference.decision.undefined() && low.size() == reference.values.size();
  for (size_t i = 0; numbers && i < low.size(); ++i) {
    numbers = std::isfinite(low[i]) && std::isfinite(high[i]);
    farthest = std::max({farthest, high[i] - reference.values[i], reference.values[i] - low[i]});
  }
  finite = finite && numbers;
  same = same && numbers && stays(judge, reference, {low, high, pairs});
}

void Reach::count(Proof& into, double lead) const {
  ++(!finite ? into.unbounded : same ? into.proved : into.unproved);
  if (finite && lead > 0 && farthest > 0 && std::isfinite(farthest))
    into.margin_in_bounds.add(std::isinf(lead) ? Histogram::kHigh : exponent_of(lead / farthest));
}

}  // namespace assay::audit
