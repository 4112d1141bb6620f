// Stop words leave; what stays may change its case. Case is Unicode's, whatever `locale` says, but for languages whose
// letters have other pairs: those are refused.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/text/utf8.h"

namespace assay::ops {
namespace {

std::optional<Case> case_named(const std::string& action) {
  if (action == "NONE") return Case::unchanged;
  if (action == "LOWER") return Case::lower;
  if (action == "UPPER") return Case::upper;
  return std::nullopt;
}

struct Rule {
  Case change, compare;
  std::unordered_set<std::string> stop;
};

Result<Rule> rule_of(const KernelContext& c) {
  const bool sensitive = c.op.attr_int("is_case_sensitive", 0) != 0;
  Rule rule{*case_named(c.op.attr_string("case_change_action", "NONE")), Case::unchanged, {}};
  if (!sensitive) rule.compare = rule.change == Case::upper ? Case::upper : Case::lower;
  for (const std::string& word : c.op.attr_strings("stopwords")) {
    const auto cased = rule.compare == Case::unchanged ? word : with_case(word, rule.compare);
    if (!cased) return c.fail(Code::model_invalid, "a stop word is not UTF-8");
    rule.stop.insert(*cased);
  }
  return rule;
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const Rule rule, rule_of(c));
  const ir::Dims& in = c.in(0).dims();
  const auto not_text = [&](size_t i) {
    return c.fail(Code::value_range, "string " + std::to_string(i) + " of the input is not UTF-8");
  };
  std::vector<std::string> kept;
  const std::vector<std::string>& strings = c.in(0).strings();
  for (size_t i = 0; i < strings.size(); ++i) {
    if (!rule.stop.empty()) {
      const auto key = rule.compare == Case::unchanged ? strings[i] : with_case(strings[i], rule.compare);
      if (!key) return not_text(i);
      if (rule.stop.contains(*key)) continue;
    }
    const auto out = rule.change == Case::unchanged ? strings[i] : with_case(strings[i], rule.change);
    if (!out) return not_text(i);
    kept.push_back(*out);
  }
  if (kept.empty()) kept.emplace_back();  // nothing left is one empty string
  const auto count = static_cast<int64_t>(kept.size());
  c.allocate(0, in.size() == 2 ? ir::Dims{1, count} : ir::Dims{count});
  c.out(0).mutable_strings() = std::move(kept);
  return {};
}

Status infer(InferContext& c) {
  if (!case_named(c.op().attr_string("case_change_action", "NONE")))
    return c.fail("stringnormalizer_c1", "case_change_action is not LOWER, UPPER or NONE");
  const std::string language = c.op().attr_string("locale", "").substr(0, 2);
  if (std::ranges::count(std::array{"tr", "az", "lt"}, language))
    return c.fail("stringnormalizer_c2", "locale is of a language with letters of its own, which are not known here");
  if (!c.ranked(0)) {
    c.set(0, ir::ElemType::string, std::nullopt);
    return {};
  }
  const auto& shape = c.shape(0);
  const bool row = shape.size() == 2 && (!shape[0].known() || shape[0].value == 1);
  if (shape.size() != 1 && !row) return c.fail("stringnormalizer_c3", "X must be [C] or [1, C]");
  c.set(0, ir::ElemType::string, row ? std::vector<ir::Dim>{1, ir::Dim()} : std::vector<ir::Dim>{ir::Dim()});
  return {};
}

constexpr In kIn[] = {{"X", kStrings}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {
    {"case_change_action", "NONE"}, {"is_case_sensitive", "0"}, {"locale", "-"}, {"stopwords", "-"}};

}  // namespace

extern const OpDef kStringNormalizer = {
    .name = "StringNormalizer",
    .since = 10,
    .doc = "The strings without stop words, in upper or lower case where asked for.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no strings in programs"},
    .to_nn = {nullptr, "no strings in layers"},
};

}  // namespace assay::ops
