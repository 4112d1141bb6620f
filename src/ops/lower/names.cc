#include "ops/lower/names.h"

#include <algorithm>
#include <iterator>

namespace assay::ops {
namespace {

constexpr std::string_view kReserved[] = {
    "any",  "bf16", "bool",    "dict",  "false",  "fp16",   "fp32", "fp64",  "func",   "int16",  "int32",  "int64",
    "int8", "list", "program", "state", "string", "tensor", "true", "tuple", "uint16", "uint32", "uint64", "uint8",
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string legal_name(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (!is_letter(c) && !is_digit(c) && c != '@') c = '_';
  if (out.empty() || !is_letter(out.front())) out.insert(0, "var_");
  if (std::ranges::find(kReserved, out) != std::end(kReserved)) out += "_value";
  return out;
}

std::string LegalNames::unique(std::string wanted) {
  if (taken_.insert(wanted).second) return wanted;
  for (int& n = next_[wanted];; ++n) {
    std::string name = wanted + "_" + std::to_string(n);
    if (taken_.insert(name).second) return name;
  }
}

const std::string& LegalNames::of(const std::string& original) {
  const auto [found, added] = given_.try_emplace(original);
  if (!added) return found->second;
  found->second = unique(legal_name(original));
  if (found->second != original) changed_[found->second] = original;
  return found->second;
}

std::string LegalNames::fresh(std::string_view stem) { return unique(legal_name(stem)); }

const std::string& ScopedNames::of(const std::string& original) {
  if (!nested_) return names_.of(original);
  std::string& name = given_[original];
  if (name.empty()) name = names_.fresh(original);
  return name;
}

}  // namespace assay::ops
