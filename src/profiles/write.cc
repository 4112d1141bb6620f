#include "profiles/write.h"

#include <fmt/format.h>

#include "base/text.h"
#include "num/policy_text.h"
#include "profiles/settings.h"
#include "profiles/tree.h"

namespace assay::profiles {
namespace {

using num::Accumulator;
using Kind = Accumulator::Kind;

std::string words_of(const num::Rounding& rounding) { return toml_string(num::to_text(rounding)); }
std::string format_words(num::FormatId id) { return toml_string(num::format(id).name); }
std::string mode_words(num::Mode mode) {
  constexpr std::string_view kModes[] = {"nearest-even", "nearest-away", "toward-zero", "to-odd"};
  return toml_string(kModes[static_cast<size_t>(mode)]);
}

/// Keys of an accumulator, in the order of docs/profiles.md. Parts that a kind does not have are not written.
std::string accumulator_words(const Accumulator& a) {
  constexpr std::string_view kKinds[] = {"chain", "lanes", "exact", "aligned", "tiles", "pairs"};
  constexpr std::string_view kPairs[] = {"odd-then-even", "even-odd-sums", "round-to-odd"};
  const bool steps = a.kind == Kind::chain || a.kind == Kind::lanes, aligned = a.kind == Kind::aligned;
  const bool tiles = a.kind == Kind::tiles, pairs = a.kind == Kind::pairs;
  std::vector<std::string> parts = {"kind = " + toml_string(kKinds[static_cast<size_t>(a.kind)])};
  const auto add = [&](bool wanted, std::string_view key, const std::string& value) {
    if (wanted) parts.push_back(std::string(key) + " = " + value);
  };
  add(a.kind == Kind::lanes, "lanes", std::to_string(a.lanes));
  add(steps && !a.fused, "fused", "false");
  add((steps || tiles) && a.product, "product", a.product ? words_of(*a.product) : "");
  add((steps || tiles || a.kind == Kind::exact) && a.step, "step", a.step ? words_of(*a.step) : "");
  add(steps && a.step_via_float32, "step-via-float32", "true");
  add(aligned || tiles || (pairs && a.block > 1), "block", std::to_string(a.block));
  add(aligned || tiles, "fraction-bits", std::to_string(a.fraction_bits));
  add(aligned, "block-rounding", words_of({num::format(a.block_format), a.block_mode}));
  add(aligned && a.block_result_fraction_bits != 23, "block-result-fraction-bits",
      std::to_string(a.block_result_fraction_bits));
  add(aligned && a.factors != num::FormatId::float32, "factors", format_words(a.factors));
  add(a.accumulator_apart && aligned, "accumulator-apart", "true");
  add(tiles && a.block_mode != num::Mode::toward_zero, "alignment", mode_words(a.block_mode));
  add(pairs, "pairs", toml_string(kPairs[static_cast<size_t>(a.pairs)]));
  add(a.split_k > 1, "split-k", std::to_string(a.split_k));
  add(a.flush_subnormals, "subnormals", "\"flush\"");
  return "{ " + join(parts, ", ") + " }";
}

/// The value of one setting; empty where the policy does not hold one.
struct Writer {
  std::string_view setting;
  std::string (*value)(const num::Policy& policy);
};

template <auto Field>
std::string rounding_value(const num::Policy& p) {
  return p.*Field ? words_of(*(p.*Field)) : std::string();
}
template <auto Field>
std::string boolean_value(const num::Policy& p) {
  return p.*Field ? "true" : "false";
}

constexpr Writer kWriters[] = {
    {"compute", [](const num::Policy& p) { return format_words(p.compute); }},
    {"operand", rounding_value<&num::Policy::operand>},
    {"accumulator", [](const num::Policy& p) { return accumulator_words(p.accumulator); }},
    {"sum", [](const num::Policy& p) { return p.sum ? accumulator_words(*p.sum) : std::string(); }},
    {"bias",
     [](const num::Policy& p) {
       constexpr std::string_view kWords[] = {"after", "first", "after-store"};
       return toml_string(kWords[static_cast<size_t>(p.bias)]);
     }},
    {"step", rounding_value<&num::Policy::step>},
    {"result", rounding_value<&num::Policy::result>},
    {"attribute", rounding_value<&num::Policy::attribute>},
    {"subnormals", [](const num::Policy& p) { return toml_string(p.flush_subnormals ? "flush" : "keep"); }},
    {"elementary",
     [](const num::Policy& p) {
       return toml_string(p.elementary == num::Elementary::sleef ? "sleef" : "correctly-rounded");
     }},
    {"special-values",
     [](const num::Policy& p) {
       return toml_string(p.special_values == num::SpecialValues::ieee ? "ieee" : "neural-engine");
     }},
    {"divide-by-reciprocal", boolean_value<&num::Policy::divide_by_reciprocal>},
    {"plain-softplus", boolean_value<&num::Policy::plain_softplus>},
};

std::string value_of(const Statement& statement, size_t setting) {
  for (const Writer& writer : kWriters)
    if (writer.setting == settings()[setting].name) return writer.value(statement.policy);
  return {};
}

std::string list_words(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  all.reserve(words.size());
  for (const std::string& word : words) all.push_back(toml_string(word));
  return all.size() == 1 ? all[0] : "[" + join(all, ", ") + "]";
}

std::string evidence_words(const Evidence& evidence) {
  return fmt::format("evidence.source = {}\nevidence.certainty = {}\n", toml_string(evidence.source),
                     toml_string(evidence.certainty));
}

std::string statement_words(const Statement& s, std::string_view table) {
  std::string out = fmt::format("\n[[{}]]\n", table);
  if (!s.match.ops.empty()) out += "match.op = " + list_words(s.match.ops) + "\n";
  if (!s.match.classes.empty()) out += "match.class = " + list_words(s.match.classes) + "\n";
  if (!s.match.declared.empty()) out += "match.declared = " + toml_string(s.match.declared) + "\n";
  if (s.match.matrix_only) out += "match.matrix-only = true\n";
  for (size_t i = 0; i < settings().size(); ++i) {
    if ((s.fields >> i & 1U) == 0) continue;
    const std::string value = value_of(s, i);
    if (!value.empty()) out += fmt::format("set.{} = {}\n", settings()[i].name, value);
  }
  return out + evidence_words(s.evidence);
}

std::string rounding_or_plain(const std::optional<num::Rounding>& rounding, ir::ElemType type) {
  if (rounding) return words_of(*rounding);
  return toml_string(type == ir::ElemType::float64 ? "float64" : "float32");
}

/// `storage` says how results are rounded, and inputs and weights too where nothing else is said of them.
std::string storage_words(const Storage& s) {
  std::string out = "storage = " + (s.results ? words_of(*s.results) : toml_string(ir::elem_name(s.type))) + "\n";
  if (s.inputs != s.results) out += "inputs = " + rounding_or_plain(s.inputs, s.type) + "\n";
  if (s.weights != s.results) out += "weights = " + rounding_or_plain(s.weights, s.type) + "\n";
  return out;
}

}  // namespace

std::string to_toml(const Profile& profile) {
  std::string out = fmt::format("name = {}\ndoc = {}\n", toml_string(profile.name), toml_string(profile.doc));
  const bool one = profile.variants.size() == 1 && profile.variants.front().name == "only";
  out += storage_words(profile.variants.front().storage);
  if (one)
    for (const Statement& s : profile.variants.front().statements) out += statement_words(s, "statement");
  for (const Variant& v : profile.variants) {
    if (one) break;
    out += fmt::format("\n[[variant]]\nname = {}\ndoc = {}\n", toml_string(v.name), toml_string(v.doc)) +
           storage_words(v.storage);
    for (const Statement& s : v.statements) out += statement_words(s, "variant.statement");
  }
  for (const NotModelled& n : profile.not_modelled)
    out += fmt::format("\n[[not-modelled]]\nwhat = {}\nreason = {}\n", toml_string(n.what), toml_string(n.reason)) +
           evidence_words(n.evidence);
  return out;
}

}  // namespace assay::profiles
