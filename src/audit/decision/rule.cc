#include "audit/decision/rule.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "num/ulp.h"

namespace assay::audit {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Error bad(std::string_view text, std::string message) {
  return Error{Code::bad_decision, std::move(message), std::string(text.substr(0, 200)),
               "rules are threshold:T (positive when score >= T), threshold:>T, argmax and topk:K"};
}

template <class T>
bool parse_all(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}
}  // namespace

std::string Rule::text() const {
  switch (kind) {
    case Kind::threshold:
      return std::string("threshold:") + (strict ? ">" : "") + shortest(threshold);
    case Kind::argmax:
      return "argmax";
    case Kind::topk:
      break;
  }
  return "topk:" + std::to_string(k);
}

Result<Rule> parse_rule(std::string_view text) {
  Rule rule;
  if (text == "argmax") {
    rule.kind = Rule::Kind::argmax;
    return rule;
  }
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (name == "topk") {
    rule.kind = Rule::Kind::topk;
    if (!parse_all(value, rule.k) || rule.k < 1) return bad(text, "topk needs a whole number K >= 1, as in topk:5");
    return rule;
  }
  if (name != "threshold") {
    const std::string names[] = {"threshold", "argmax", "topk"};
    const std::string near = did_you_mean(name, names);
    Error error = bad(text, "no decision rule is called '" + std::string(name.substr(0, 100)) + "'");
    if (!near.empty()) error.fix = "did you mean '" + near + "'?";
    return error;
  }
  rule.strict = value.starts_with('>');
  if (rule.strict) value.remove_prefix(1);
  if (!parse_all(value, rule.threshold) || !std::isfinite(rule.threshold))
    return bad(text, "threshold needs a finite number, as in threshold:0.5");
  return rule;
}

double ulp_at(double value, ir::ElemType type) {
  const auto format = ir::elem_format(type);
  return format ? num::ulp_size(value, num::format(*format)) : 1;
}

Judge::Judge(const Rule& rule, ir::ElemType declared) : rule_(rule), threshold_(rule.threshold) {
  if (const auto format = ir::elem_format(declared))
    threshold_ = num::round(rule.threshold, num::Rounding{.format = num::format(*format)});
}

Status Judge::check(size_t count) const {
  const std::string have = "the score has " + std::to_string(count) + " values per sample";
  switch (rule_.kind) {
    case Rule::Kind::threshold:
      if (count == 1) return {};
      return Error{Code::bad_decision, have + ", a threshold needs one", rule_.text(),
                   "reduce it with --score, as in index(NAME, 1) or max(NAME)"};
    case Rule::Kind::argmax:
      if (count >= 2) return {};
      return Error{Code::bad_decision, have + ", argmax needs two or more", rule_.text(), "use threshold:T"};
    case Rule::Kind::topk:
      break;
  }
  if (static_cast<uint64_t>(rule_.k) < count) return {};
  return Error{Code::bad_decision, have + ", " + rule_.text() + " needs more than K", rule_.text(), "use a smaller K"};
}

Judged Judge::judge(std::span<const double> scores) const {
  switch (rule_.kind) {
    case Rule::Kind::threshold:
      return judge_threshold(scores);
    case Rule::Kind::argmax:
      return judge_ranking(scores, 1);
    case Rule::Kind::topk:
      break;
  }
  return judge_ranking(scores, static_cast<size_t>(rule_.k));
}

Judged Judge::judge_threshold(std::span<const double> scores) const {
  Judged judged;
  judged.score = scores[0];
  judged.boundary = threshold_;
  if (!std::isnan(scores[0]))
    judged.decision.value = (rule_.strict ? scores[0] > threshold_ : scores[0] >= threshold_) ? 1 : 0;
  return judged;
}

Judged Judge::judge_ranking(std::span<const double> scores, size_t k) const {
  Judged judged;
  judged.score = std::numeric_limits<double>::quiet_NaN();
  if (std::any_of(scores.begin(), scores.end(), [](double s) { return std::isnan(s); })) return judged;
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto value = [&](int64_t i) { return scores[static_cast<size_t>(i)]; };
  // The lowest index wins ties.
  const auto better = [&](int64_t a, int64_t b) { return value(a) > value(b) || (value(a) == value(b) && a < b); };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k) + 1, order.end(), better);
  const double last = value(order[k - 1]), next = value(order[k]);
  judged.score = last == next ? 0 : last - next;
  judged.boundary = std::max(std::abs(last), std::abs(next));
  judged.decision.value = order[0];
  if (rule_.kind == Rule::Kind::topk) {
    judged.decision.top.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k));
    std::sort(judged.decision.top.begin(), judged.decision.top.end());
  }
  return judged;
}

double Judge::margin_ulp(const Judged& sample, const Decision& side, ir::ElemType storage) const {
  if (sample.decision.undefined()) return std::numeric_limits<double>::quiet_NaN();
  double distance = sample.score;
  if (rule_.kind == Rule::Kind::threshold) {
    distance = sample.score == sample.boundary ? 0 : std::abs(sample.score - sample.boundary);
  }
  const double sign = sample.decision == side ? 1 : -1;
  if (distance == 0) return 0;
  const double ulp = ulp_at(sample.boundary, storage);
  return sign * (ulp > 0 ? distance / ulp : kInfinity);
}

}  // namespace assay::audit
