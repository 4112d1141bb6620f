// Policies in words.
#include <fmt/format.h>

#include "audit/fingerprint/vocabulary.h"
#include "base/text.h"
#include "num/policy_text.h"

namespace assay::audit {
namespace {

using num::Accumulator;
using Kind = Accumulator::Kind;

profiles::Profile as_profile(const profiles::Variant& policy) {
  profiles::Profile profile;
  profile.name = policy.name;
  profile.storage = policy.storage.type;
  profile.variants.push_back(policy);
  return profile;
}

num::Policy policy_of(const profiles::Variant& policy, std::string_view op, std::string_view numeric) {
  return profiles::policy_for(as_profile(policy), 0, {.domain = "", .op = op, .numeric = numeric});
}

constexpr std::string_view kTf32 = "tf32";
std::string format_name(const num::Rounding& rounding) {
  const std::string text = num::to_text(rounding);
  const std::string name = text.substr(0, text.find(' '));
  return name == kTf32 ? "TF32" : name;
}

bool plain(const std::optional<num::Rounding>& rounding) {
  return !rounding || *rounding == num::Rounding{num::format(num::FormatId::float32)};
}

std::string rounded_words(const num::Rounding& r) {
  std::string words;
  if (r.mode == num::Mode::toward_zero) words += ", truncated";
  if (r.mode == num::Mode::nearest_away) words += ", ties away";
  if (r.flush_subnormals) words += ", subnormals flushed";
  if (r.overflow == num::Overflow::clamp) words += ", clamped";
  if (r.limit != 0) words += fmt::format(", infinite from {:g}", r.limit);
  return words;
}

std::string storage_words(const profiles::Variant& policy) {
  const profiles::Storage& s = policy.storage;
  const num::Policy general = policy_of(policy, "Identity", "elementwise");
  if (s.type == ir::ElemType::float64) return "float64 storage";
  if (s.type != ir::ElemType::float32 && s.inputs == s.results && s.weights == s.results && general.result)
    return std::string(ir::elem_name(s.type)) + " storage" + rounded_words(*general.result);
  std::vector<std::string> rounded;
  for (const auto& [name, rounding] :
       {std::pair("inputs", s.inputs), std::pair("weights", s.weights), std::pair("results", general.result)})
    if (!plain(rounding)) rounded.push_back(format_name(*rounding) + " " + name + rounded_words(*rounding));
  return rounded.empty() ? "float32 storage" : "float32 storage with " + join(rounded, ", ");
}

std::string accumulator_words(const Accumulator& a) {
  const std::string step = a.step ? format_name(*a.step) : "float32";
  std::string words;
  switch (a.kind) {
    case Kind::chain:
      words = step + " accumulation";
      if (!a.fused) words += ", products rounded first";
      break;
    case Kind::lanes:
      words = fmt::format("{} accumulation in {} lanes", step, a.lanes);
      break;
    case Kind::exact:
      words = "exact sums";
      break;
    case Kind::aligned:
      words = fmt::format("{}sums of {} aligned products cut to {} bits",
                          a.block_format == num::FormatId::float16 ? "float16 " : "", a.block, a.fraction_bits);
      break;
    case Kind::tiles:
      words = fmt::format("tiles of {} lanes whose adder keeps {} bits", a.block, a.fraction_bits);
      if (a.block == 4 && a.fraction_bits == 12 && !a.product) words += " (the rule of the M1)";
      if (a.product) words += ", products rounded to " + format_name(*a.product);
      break;
    case Kind::pairs:
      words = "sums of pairs of products";
      break;
  }
  if (a.split_k > 1) words += fmt::format(", k in {} parts", a.split_k);
  if (a.flush_subnormals) words += ", subnormals flushed";
  return words;
}

}  // namespace

std::string in_words(const profiles::Variant& policy) {
  const num::Policy product = policy_of(policy, "MatMul", "contraction");
  std::string words = storage_words(policy);
  if (!plain(product.operand))
    words += ", " + format_name(*product.operand) + " operands" + rounded_words(*product.operand);
  if (policy.storage.type != ir::ElemType::float64) words += ", " + accumulator_words(product.accumulator);
  if (product.result && product.result->limit != 0) words += fmt::format(", infinite from {:g}", product.result->limit);
  if (product.bias == num::Bias::first) words += ", starting at the bias";
  if (product.bias == num::Bias::after_store) words += ", bias added to the stored sum";
  if (product.special_values == num::SpecialValues::neural_engine) words += ", Neural Engine special values";
  if (!plain(product.step)) words += ", " + format_name(*product.step) + " steps";
  return words;
}

size_t complexity(const profiles::Variant& policy) {
  const profiles::Storage& s = policy.storage;
  size_t size = 0;
  for (const auto& rounding : {s.inputs, s.weights})
    if (rounding) size += num::to_text(*rounding).size();
  for (const auto& [op, numeric] :
       {std::pair("MatMul", "contraction"), std::pair("ReduceSum", "reduction"), std::pair("Softmax", "composite"),
        std::pair("Exp", "elementwise"), std::pair("Div", "elementwise"), std::pair("Softplus", "elementwise")})
    size += num::to_text(policy_of(policy, op, numeric)).size();
  return size;
}

}  // namespace assay::audit
