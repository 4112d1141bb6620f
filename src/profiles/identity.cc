#include <string>

#include "base/hash.h"
#include "num/policy_text.h"
#include "profiles/profile.h"

namespace assay::profiles {
namespace {

void add(Hash& hash, const std::optional<num::Rounding>& rounding) {
  hash.add(rounding ? num::to_text(*rounding) : std::string());
}

void add(Hash& hash, const std::vector<std::string>& words) {
  hash.word(words.size());
  for (const std::string& word : words) hash.add(word);
}

void add(Hash& hash, const Statement& statement) {
  add(hash, statement.match.ops);
  add(hash, statement.match.classes);
  hash.add(statement.match.declared);
  hash.word(statement.match.matrix_only ? 1 : 0);
  hash.word(statement.fields);
  hash.add(num::to_text(statement.policy));
}

}  // namespace

std::string identity_of(const Profile& profile) {
  Hash hash;
  hash.add(profile.name);
  for (const Variant& variant : profile.variants) {
    hash.add(variant.name);
    hash.word(static_cast<uint64_t>(variant.storage.type));
    for (const auto* rounding : {&variant.storage.results, &variant.storage.inputs, &variant.storage.weights})
      add(hash, *rounding);
    hash.word(variant.statements.size());
    for (const Statement& statement : variant.statements) add(hash, statement);
  }
  return hash.text();
}

}  // namespace assay::profiles
