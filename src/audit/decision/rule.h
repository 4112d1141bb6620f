// Decision rules: threshold:T, threshold:>T, argmax, topk:K (docs/decision-rules.md).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/type.h"

namespace assay::audit {

struct Rule {
  enum class Kind : uint8_t { threshold, argmax, topk };
  Kind kind = Kind::threshold;
  double threshold = 0.5;
  bool strict = false;  ///< positive when score > T, not >=
  int64_t k = 1;

  /// In one spelling: "threshold:>0.5", whatever the user's was.
  std::string text() const;
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// Errors: bad_decision.
Result<Rule> parse_rule(std::string_view text);

struct Decision {
  int64_t value = kUndefined;                ///< threshold: 0 or 1; argmax: index; topk: the best one
  std::vector<int64_t> top{};                ///< topk: the K indices, ascending
  static constexpr int64_t kUndefined = -1;  ///< a NaN decides so; equal to itself, different from all others
  bool undefined() const { return value == kUndefined; }
  friend bool operator==(const Decision& a, const Decision& b) {
    return a.top.empty() && b.top.empty() ? a.value == b.value : a.top == b.top;
  }
};

/// What a rule makes of one sample's score values (already rounded to the declared type).
struct Judged {
  Decision decision;
  double score = 0;     ///< threshold: the score; argmax: top minus runner-up; topk: k-th minus (k+1)-th
  double boundary = 0;  ///< threshold: T; else the magnitude at which the ULP of the margin is taken
};

/// A rule ready to judge scores of a declared type: the threshold is rounded to it once.
class Judge {
 public:
  Judge(const Rule& rule, ir::ElemType declared);
  const Rule& rule() const { return rule_; }
  double threshold() const { return threshold_; }
  /// `scores` must have at least the number of elements that check() accepts.
  Judged judge(std::span<const double> scores) const;
  /// Errors: bad_decision when the rule cannot decide over `count` values per sample.
  Status check(size_t count) const;
  /// Distance of the sample's score to the boundary in ULPs of `storage` at the boundary; positive when the sample
  /// decides as `side` does, negative otherwise; NaN for an undefined decision.
  double margin_ulp(const Judged& sample, const Decision& side, ir::ElemType storage) const;

 private:
  Judged judge_threshold(std::span<const double> scores) const;
  Judged judge_ranking(std::span<const double> scores, size_t k) const;
  Rule rule_;
  double threshold_;
};

/// Distance between neighbours of the type just above |value| (integers: 1).
double ulp_at(double value, ir::ElemType type);

}  // namespace assay::audit
