// Decision rules (docs/decision-rules.md): what a program's outputs decide about a sample, whether two programs decide
// alike, and how far a decision is from another one.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ir/type.h"

namespace assay::audit {

/// How four numbers say where a box is: two corners, or the middle with width and height.
enum class BoxFormat : uint8_t { xyxy, xywh, cxcywh, yxyx };

struct Rule {
  enum class Kind : uint8_t { threshold, argmax, topk, ranking, boxes, ctc, sequence, tolerance, multilabel };
  Kind kind = Kind::threshold;
  double threshold = 0.5;                       ///< boxes: the least score of a detection
  bool strict = false;                          ///< positive when score > T, not >=; multilabel too
  int64_t k = 1;                                ///< ranking: 0 for all
  std::vector<double> thresholds{};             ///< multilabel: one for all labels, or one for each
  double iou = 0.5;                             ///< boxes: least overlap of one detection with itself
  BoxFormat format = BoxFormat::xyxy;           ///< boxes
  int64_t blank = 0, end = -1;                  ///< ctc; sequence: the symbol that ends it, -1 for none
  double abs_tolerance = 0, rel_tolerance = 0;  ///< tolerance

  /// In one spelling: "threshold:>0.5", whatever the user's was.
  std::string text() const;
  /// Threshold and argmax: a decision is one number, which labels name and which is counted.
  bool decides_class() const { return kind == Kind::threshold || kind == Kind::argmax; }
  /// A decision is a set or a list of numbers.
  bool decides_list() const;
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// Errors: bad_decision.
Result<Rule> parse_rule(std::string_view text);

struct Detection {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0, score = 0;
  int64_t label = 0;  ///< its class
  friend bool operator==(const Detection&, const Detection&) = default;
};

struct Decision {
  int64_t value = kUndefined;                ///< threshold: 0 or 1; argmax: index; topk: the best one; others: 0
  std::vector<int64_t> top{};                ///< topk, multilabel: indices, ascending; ranking, strings: in their order
  std::vector<Detection> detections{};       ///< boxes: in the order of the outputs
  std::vector<double> values{};              ///< tolerance: what is compared; in no report
  static constexpr int64_t kUndefined = -1;  ///< a NaN decides so; equal to itself, different from all others
  bool undefined() const { return value == kUndefined; }
  /// Exactly the same. Whether two programs decide alike is Judge::same.
  friend bool operator==(const Decision& a, const Decision& b) {
    return (a.top.empty() && b.top.empty() ? a.value == b.value : a.top == b.top) && a.detections == b.detections &&
           a.values == b.values;
  }
};

/// What a rule makes of one sample's score values (already rounded to the declared type).
struct Judged {
  Decision decision;
  double score = 0;              ///< threshold: the score; argmax: top minus runner-up; topk: k-th minus (k+1)-th; ...
  double boundary = 0;           ///< threshold: T; else the magnitude at which the ULP of the margin is taken
  std::vector<double> values{};  ///< the score values
  size_t columns = 1;            ///< of `values`, which are rows
};

/// In which way two decisions about a sample differ. Empty for threshold, argmax and topk, whose decisions say it all.
struct Change {
  std::string words;                                     ///< "2 pairs swap: 4<>7, 1<>2"
  std::vector<std::pair<std::string, uint64_t>> counts;  ///< ("swapped", 2)
  std::vector<std::array<int64_t, 2>> pairs;             ///< ranking: items whose order swaps, at most kMostPairs
  static constexpr size_t kMostPairs = 100;
  bool empty() const { return words.empty(); }
};

/// A rule ready to judge scores of a declared type: thresholds are rounded to it once.
class Judge {
 public:
  Judge(const Rule& rule, ir::ElemType declared);
  const Rule& rule() const { return rule_; }
  double threshold() const { return threshold_; }
  /// `scores` must have at least the number of elements that check() accepts, `columns` along the last axis.
  Judged judge(std::span<const double> scores, size_t columns = 1) const;
  /// Errors: bad_decision when the rule cannot decide over `count` values per sample in rows of `columns`.
  Status check(size_t count, size_t columns = 1) const;
  /// Whether a program that decides `d` decides as the reference, which decides `reference`.
  bool same(const Decision& d, const Decision& reference) const;
  /// Distance of the sample's score to the boundary in ULPs of `storage` at the boundary; positive when the sample
  /// decides as `side` does, negative otherwise; NaN for an undefined decision.
  double margin_ulp(const Judged& sample, const Decision& side, ir::ElemType storage) const;
  /// Distance to the nearest other decision than the reference's, in units of the score, measured on the sample's
  /// values; negative beyond it. What moves it between two programs is the error that counts. NaN when undefined.
  double lead(const Judged& sample, const Judged& reference) const;
  /// Tolerance: by how much a value may be off from the reference's; an infinity, a NaN not at all.
  double allowed(double reference) const;
  /// What changes from the reference's decision to `other`.
  Change change(const Decision& reference, const Decision& other) const;
  /// The threshold of a label, of a detection's score (multilabel, boxes, threshold).
  double threshold_of(size_t label) const { return thresholds_[thresholds_.size() == 1 ? 0 : label]; }

 private:
  Judged judge_threshold(std::span<const double> scores) const;
  Judged judge_best(std::span<const double> scores, size_t k) const;
  Judged judge_labels(std::span<const double> scores) const;
  Judged judge_steps(std::span<const double> scores, size_t columns) const;
  Judged judge_boxes(std::span<const double> scores) const;
  Judged judge_tolerance(std::span<const double> scores) const;
  Rule rule_;
  double threshold_;
  std::vector<double> thresholds_;
};

/// Distance between neighbours of the type just above |value| (integers: 1).
double ulp_at(double value, ir::ElemType type);

}  // namespace assay::audit
