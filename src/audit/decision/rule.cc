#include "audit/decision/rule.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace assay::audit {
namespace {
using Kind = Rule::Kind;

template <class T>
bool parse_all(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

// A message where something is wrong with the value behind the rule's name; empty: nothing.
using Complaint = std::string;

Complaint parse_threshold(std::string_view value, Rule& rule) {
  rule.strict = value.starts_with('>');
  if (rule.strict) value.remove_prefix(1);
  const bool fine = parse_all(value, rule.threshold) && std::isfinite(rule.threshold);
  return fine ? "" : "threshold needs a finite number, as in threshold:0.5";
}

Complaint parse_nothing(std::string_view value, Rule&) { return value.empty() ? "" : "argmax takes nothing"; }

Complaint parse_topk(std::string_view value, Rule& rule) {
  return parse_all(value, rule.k) && rule.k >= 1 ? "" : "topk needs a whole number K >= 1, as in topk:5";
}

Complaint parse_ranking(std::string_view value, Rule& rule) {
  rule.k = 0;
  if (value.empty()) return "";
  return parse_all(value, rule.k) && rule.k >= 1 ? "" : "ranking takes nothing, or a whole number K >= 1: ranking:10";
}

// Calls `set(key, value)` with each KEY=VALUE of a list; it says whether the key exists and the value fits.
template <class Set>
Complaint parse_settings(std::string_view text, const char* example, Set set) {
  std::vector<std::string> seen;
  for (const std::string& item : split(text, ',')) {
    if (item.empty() && text.empty()) break;
    const size_t equals = item.find('=');
    const std::string key = item.substr(0, equals);
    const bool again = std::ranges::find(seen, key) != seen.end();
    seen.push_back(key);
    if (equals == std::string::npos || again || !set(key, std::string_view(item).substr(equals + 1)))
      return "'" + item + "' is no setting of this rule, as in " + example;
  }
  return "";
}

bool parse_positive(std::string_view text, double& value) {
  return parse_all(text, value) && std::isfinite(value) && value >= 0;
}

constexpr std::array<std::pair<std::string_view, BoxFormat>, 4> kFormats{
    {{"xyxy", BoxFormat::xyxy}, {"xywh", BoxFormat::xywh}, {"cxcywh", BoxFormat::cxcywh}, {"yxyx", BoxFormat::yxyx}}};

Complaint parse_boxes(std::string_view text, Rule& rule) {
  return parse_settings(text, "boxes:iou=0.5,score=0.5,format=xyxy", [&](const std::string& key, std::string_view v) {
    if (key == "iou") return parse_positive(v, rule.iou) && rule.iou > 0 && rule.iou <= 1;
    if (key == "score") return parse_all(v, rule.threshold) && std::isfinite(rule.threshold);
    const auto format = std::ranges::find(kFormats, v, [](const auto& row) { return row.first; });
    if (key != "format" || format == kFormats.end()) return false;
    rule.format = format->second;
    return true;
  });
}

Complaint parse_ctc(std::string_view text, Rule& rule) {
  return parse_settings(text, "ctc:blank=0", [&](const std::string& key, std::string_view v) {
    return key == "blank" && parse_all(v, rule.blank) && rule.blank >= 0;
  });
}

Complaint parse_sequence(std::string_view text, Rule& rule) {
  return parse_settings(text, "argmax-sequence:end=2", [&](const std::string& key, std::string_view v) {
    return key == "end" && parse_all(v, rule.end) && rule.end >= 0;
  });
}

Complaint parse_tolerance(std::string_view text, Rule& rule) {
  if (text.empty()) return "tolerance says how far is near enough, as in tolerance:abs=0.01,rel=0.001";
  return parse_settings(text, "tolerance:abs=0.01,rel=0.001", [&](const std::string& key, std::string_view v) {
    if (key == "abs") return parse_positive(v, rule.abs_tolerance);
    return key == "rel" && parse_positive(v, rule.rel_tolerance);
  });
}

Complaint parse_multilabel(std::string_view text, Rule& rule) {
  rule.strict = text.starts_with('>');
  if (rule.strict) text.remove_prefix(1);
  std::vector<std::string> items = split(text, ',');
  if (items.empty()) items.emplace_back();
  for (const std::string& item : items)
    if (!parse_all(item, rule.thresholds.emplace_back()) || !std::isfinite(rule.thresholds.back()))
      return "multilabel needs a finite number, or one for each label, as in multilabel:0.5 or multilabel:0.5,0.3";
  return "";
}

std::string spell_threshold(const Rule& rule) { return std::string(rule.strict ? ">" : "") + shortest(rule.threshold); }
std::string spell_nothing(const Rule&) { return ""; }
std::string spell_count(const Rule& rule) { return rule.k == 0 ? "" : std::to_string(rule.k); }
std::string spell_boxes(const Rule& rule) {
  const auto format = std::ranges::find(kFormats, rule.format, [](const auto& row) { return row.second; });
  return "iou=" + shortest(rule.iou) + ",score=" + shortest(rule.threshold) + ",format=" + std::string(format->first);
}
std::string spell_ctc(const Rule& rule) { return "blank=" + std::to_string(rule.blank); }
std::string spell_sequence(const Rule& rule) { return rule.end < 0 ? "" : "end=" + std::to_string(rule.end); }
std::string spell_tolerance(const Rule& rule) {
  return "abs=" + shortest(rule.abs_tolerance) + ",rel=" + shortest(rule.rel_tolerance);
}
std::string spell_multilabel(const Rule& rule) {
  std::vector<std::string> each;
  each.reserve(rule.thresholds.size());
  for (const double t : rule.thresholds) each.push_back(shortest(t));
  return std::string(rule.strict ? ">" : "") + join(each, ",");
}

struct RuleRow {
  std::string_view name;
  Kind kind;
  Complaint (*parse)(std::string_view value, Rule& rule);
  std::string (*spell)(const Rule& rule);
};
constexpr std::array<RuleRow, 9> kRules{{
    {"threshold", Kind::threshold, parse_threshold, spell_threshold},
    {"argmax", Kind::argmax, parse_nothing, spell_nothing},
    {"topk", Kind::topk, parse_topk, spell_count},
    {"ranking", Kind::ranking, parse_ranking, spell_count},
    {"boxes", Kind::boxes, parse_boxes, spell_boxes},
    {"ctc", Kind::ctc, parse_ctc, spell_ctc},
    {"argmax-sequence", Kind::sequence, parse_sequence, spell_sequence},
    {"tolerance", Kind::tolerance, parse_tolerance, spell_tolerance},
    {"multilabel", Kind::multilabel, parse_multilabel, spell_multilabel},
}};

Error bad(std::string_view text, std::string message) {
  return Error{Code::bad_decision, std::move(message), std::string(text.substr(0, 200)),
               "rules are threshold:T (positive when score >= T), threshold:>T, argmax, topk:K, ranking[:K], "
               "boxes:iou=I,score=S, ctc:blank=B, argmax-sequence, tolerance:abs=X,rel=Y and multilabel:T[,T...]"};
}
}  // namespace

std::string Rule::text() const {
  const auto row = std::ranges::find(kRules, kind, &RuleRow::kind);
  const std::string value = row->spell(*this);
  return std::string(row->name) + (value.empty() ? "" : ":") + value;
}

bool Rule::decides_list() const {
  return kind == Kind::topk || kind == Kind::ranking || kind == Kind::ctc || kind == Kind::sequence ||
         kind == Kind::multilabel;
}

Result<Rule> parse_rule(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto row = std::ranges::find(kRules, name, &RuleRow::name);
  if (row == kRules.end()) {
    std::vector<std::string> names;
    names.reserve(kRules.size());
    for (const RuleRow& each : kRules) names.emplace_back(each.name);
    const std::string near = did_you_mean(name, names);
    Error error = bad(text, "no decision rule is called '" + std::string(name.substr(0, 100)) + "'");
    if (!near.empty()) error.fix = "did you mean '" + near + "'?";
    return error;
  }
  Rule rule;
  rule.kind = row->kind;
  const bool bare = colon == std::string_view::npos, dangling = colon + 1 == text.size();
  const Complaint complaint = row->parse(bare ? std::string_view() : text.substr(colon + 1), rule);
  if (!complaint.empty()) return bad(text, complaint);
  if (!bare && dangling) return bad(text, "nothing follows the colon");
  return rule;
}

}  // namespace assay::audit
