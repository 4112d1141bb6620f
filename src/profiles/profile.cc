#include "profiles/profile.h"

#include <algorithm>

#include "profiles/settings.h"

namespace assay::profiles {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

bool applies(const Match& match, const OpQuery& query) {
  if (!match.ops.empty()) {
    const bool plain = query.domain.empty() || query.domain == "ai.onnx";
    const std::string name = plain ? std::string(query.op) : std::string(query.domain) + "." + std::string(query.op);
    if (!contains(match.ops, name)) return false;
  }
  if (!match.classes.empty() && !contains(match.classes, query.numeric)) return false;
  if (!match.declared.empty() && match.declared != ir::elem_name(query.declared)) return false;
  return !match.matrix_only || query.matrix;
}

/// The types that profiles are about: float32, and Core ML values without a type.
bool is_subject(ir::ElemType declared) {
  return declared == ir::ElemType::float32 || declared == ir::ElemType::undefined;
}

/// Roundings to a storage type speak of float32 values as stored; an operation declared otherwise rounds to its own
/// type, unless that is the very type (float16 operations of a device whose float16 has a lower ceiling).
void keep_declared(num::Policy& policy, ir::ElemType declared) {
  if (is_subject(declared)) return;
  const auto format = ir::elem_format(declared);
  for (auto* rounding : {&policy.result, &policy.step})
    if (*rounding && (!format || num::format(*format) != (*rounding)->format)) rounding->reset();
}

std::string describe(const Match& match) {
  std::string text;
  for (const auto* words : {&match.ops, &match.classes})
    for (const std::string& word : *words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "every operation" : text;
}

}  // namespace

num::Policy policy_for(const Profile& profile, size_t variant, const OpQuery& query) {
  num::Policy policy;
  if (query.declared == ir::ElemType::float64) {
    policy.compute = num::FormatId::float64;
    return policy;
  }
  const Variant& chosen = profile.variants[variant];
  policy.result = chosen.storage.results;
  for (const Statement& statement : chosen.statements) {
    if (!applies(statement.match, query)) continue;
    for (size_t i = 0; i < settings().size(); ++i)
      if ((statement.fields >> i & 1u) != 0) settings()[i].copy(statement.policy, policy);
  }
  keep_declared(policy, query.declared);
  return policy;
}

std::optional<std::string> not_expressible(const Profile& profile, size_t variant) {
  const Variant& v = profile.variants[variant];
  std::optional<num::Rounding> plain;
  if (v.storage.type == ir::ElemType::float64) return "storage = float64 (" + profile.file + ")";
  if (v.storage.type != ir::ElemType::float32) plain = num::Rounding{num::format(*ir::elem_format(v.storage.type))};
  for (const auto& [name, rounding] : {std::pair("storage", v.storage.results), std::pair("inputs", v.storage.inputs),
                                       std::pair("weights", v.storage.weights)})
    if (rounding != plain) return std::string(name) + " is not a plain conversion (" + profile.file + ")";
  num::Policy said;
  said.result = plain;
  for (const Statement& s : v.statements) {
    num::Policy policy = said;
    for (size_t i = 0; i < settings().size(); ++i) {
      if ((s.fields >> i & 1u) == 0) continue;
      settings()[i].copy(s.policy, policy);
      if (policy == said) continue;
      return describe(s.match) + ": " + std::string(settings()[i].name) + " = " +
             s.settings.at(std::string(settings()[i].name)) + " (" + profile.file + ":" + std::to_string(s.line) + ")";
    }
  }
  return std::nullopt;
}

}  // namespace assay::profiles
