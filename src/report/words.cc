#include "report/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "report/bidi.h"

namespace assay::report {

std::string clean(std::string_view text, size_t most) {
  const std::string_view shown = text.substr(0, most);
  std::string out;
  for (size_t i = 0; i < shown.size();) {
    const size_t turning = turning_bytes(shown.substr(i));
    const bool control = static_cast<unsigned char>(shown[i]) < 0x20 || shown[i] == 0x7f;
    out += control || turning > 0 ? '?' : shown[i];
    i += std::max<size_t>(turning, 1);
  }
  return out + (text.size() > most ? "..." : "");
}

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@+%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string grouped(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string how_many(uint64_t n, std::string_view word, std::string_view plural) {
  std::string out = grouped(n) + " ";
  if (n == 1 || plural.empty()) return (out += word) += n == 1 ? "" : "s";
  return out += plural;
}

std::string short_number(double value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : shortest(value); }

std::string score_text(double score, ir::ElemType type) {
  return type == ir::ElemType::float64 ? shortest(score) : shortest(static_cast<float>(score));
}

std::string percent(const std::optional<double>& part) { return part ? fmt::format("{:.2f}%", *part * 100) : "-"; }

std::string decision_text(const audit::Decision& decision, audit::Rule::Kind kind) {
  if (decision.undefined()) return "undefined";
  if (kind == audit::Rule::Kind::threshold) return decision.value == 1 ? "positive" : "negative";
  if (kind == audit::Rule::Kind::argmax) return "class " + std::to_string(decision.value);
  if (kind == audit::Rule::Kind::tolerance) return decision.value == 0 ? "within" : "beyond";
  if (kind == audit::Rule::Kind::boxes) return how_many(decision.detections.size(), "box", "boxes");
  return fmt::format("{{{}}}", fmt::join(decision.top, ", "));
}

std::string change_text(const audit::Case& one, audit::Rule::Kind kind) {
  if (!one.change.empty()) return one.change.words;
  return decision_text(one.reference_decision, kind) + " -> " + decision_text(one.candidate_decision, kind);
}

std::string changes_text(const std::vector<audit::Case>& cases) {
  std::vector<std::pair<std::string, uint64_t>> sums;
  for (const audit::Case& one : cases) {
    for (const auto& [name, n] : one.change.counts) {
      if (name == "element" || n == 0) continue;
      const auto found = std::ranges::find(sums, name, [](const auto& sum) { return sum.first; });
      if (found == sums.end()) {
        sums.emplace_back(name, n);
      } else {
        found->second += n;
      }
    }
  }
  std::vector<std::string> words;
  for (auto& [name, n] : sums) {
    std::ranges::replace(name, '_', ' ');
    words.push_back(grouped(n) + " " + name);
  }
  return join(words, ", ");
}

std::string largest_text(const audit::Differences& d) {
  return d.nan_mismatches > 0 ? std::string("NaN") : short_number(d.max_abs);
}

std::string largest_ulp_text(const audit::Differences& d) {
  return d.nan_mismatches > 0 ? std::string("NaN") : grouped(d.max_ulp);
}

std::string ulp_text(double ulps) {
  if (std::isnan(ulps)) return "undefined";
  if (std::isinf(ulps)) return "beyond";
  const double size = std::abs(ulps);
  if (size >= 1e6) return fmt::format("{:.3g}", ulps);
  if (size >= 100) return (ulps < 0 ? "-" : "") + grouped(static_cast<uint64_t>(std::llround(size)));
  return fmt::format("{:.3g}", ulps);
}

std::string rule_text(const audit::AuditResult& audit) {
  std::string out = how_many(audit.samples, "sample") + "; ";
  using Kind = audit::Rule::Kind;
  const audit::Rule& rule = audit.rule;
  switch (rule.kind) {
    case Kind::threshold:
      return out + "positive when " + audit.score + (rule.strict ? " > " : " >= ") +
             score_text(audit.threshold, audit.score_type);
    case Kind::argmax:
      return out + "the largest of " + audit.score + " decides";
    case Kind::topk:
      break;
    case Kind::ranking:
      return out +
             (rule.k == 0 ? "the order" : "the order of the " + grouped(static_cast<uint64_t>(rule.k)) + " best") +
             " of " + audit.score + " decides";
    case Kind::boxes:
      return out + "the boxes of " + audit.score + " with a score >= " + shortest(rule.threshold) +
             " decide, the same when they overlap by " + shortest(rule.iou);
    case Kind::ctc:
      return out + "the string of " + audit.score + " decides, without repetitions and symbol " +
             std::to_string(rule.blank);
    case Kind::sequence:
      return out + "the string of the largest of each step of " + audit.score + " decides" +
             (rule.end < 0 ? std::string() : ", up to symbol " + std::to_string(rule.end));
    case Kind::tolerance:
      return out + "each value of " + audit.score + " may be off by " + shortest(rule.abs_tolerance) + " plus " +
             shortest(rule.rel_tolerance) + " of its size";
    case Kind::multilabel:
      return out + "a label stands when its value of " + audit.score + (rule.strict ? " > " : " >= ") +
             rule.text().substr(rule.text().find(rule.strict ? '>' : ':') + 1);
  }
  return out + "the " + std::to_string(rule.k) + " largest of " + audit.score + " decide";
}

std::string recording_text(const backends::Recording& recording) {
  const auto fact = [&](std::string_view name) -> std::string {
    const auto found = std::ranges::find(recording.facts, name, &backends::Recording::Fact::first);
    return found == recording.facts.end() ? "" : found->second;
  };
  std::vector<std::string> host, options;
  for (const char* name : {"system", "machine"})
    if (std::string text = fact(name); !text.empty()) host.push_back(std::move(text));
  for (const auto& [name, text] : recording.options) options.push_back(name + "=" + text);
  const std::string processor = fact("processor"), version = fact("version"), runtime = fact("runtime");
  std::string out = (runtime.empty() ? "an unnamed runtime" : runtime) + (version.empty() ? "" : " " + version);
  if (!processor.empty()) {
    out += " on " + processor + (host.empty() ? "" : " (" + join(host, ", ") + ")");
  } else if (!host.empty()) {
    out += " on " + join(host, ", ");
  }
  return out + (options.empty() ? "" : ", " + join(options, " "));
}

std::string verdict_text(const audit::CandidateResult& c) {
  if (c.flips.empty() && c.at_risk.empty()) return "safe";
  std::string out;
  if (!c.flips.empty()) out = how_many(c.flips.size(), "flip");
  if (c.at_risk.empty()) return out;
  return out + (out.empty() ? "" : ", ") + grouped(c.at_risk.size()) + " at risk";
}

std::string lattice_text(const num::LatticeCounts& counts) {
  const num::LatticeVerdict verdict = counts.verdict();
  if (!verdict.format) return counts.all_whole() ? "whole numbers" : "not enough evidence";
  const std::string name(num::format(*verdict.format).name);
  if (verdict.evidence_bits == 0) return name + " (values lie off every narrower format)";
  return name + ", " + how_many(verdict.evidence_bits, "bit") + " of evidence";
}

}  // namespace assay::report
