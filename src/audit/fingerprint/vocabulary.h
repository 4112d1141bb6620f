// The words of policies, one at a time: what a known policy is varied by when none of those with a name fits.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "profiles/profile.h"

namespace assay::audit {

/// A change of one choice of a policy, written as a profile file says it.
struct PolicyChange {
  std::string_view choice;  ///< what is chosen: "storage", "accumulator"
  std::string_view label;   ///< "bias first"
  /// Of a profile file: storage lines, then statements without their evidence, which apply behind all others.
  std::string_view toml;
};
std::span<const PolicyChange> vocabulary();

/// `policy` with the change made. The vocabulary's texts are right: a test parses all.
profiles::Variant changed(const profiles::Variant& policy, const PolicyChange& change);

/// "float16 storage, float32 accumulation": storage, operands, accumulation and bias of products, and what else differs
/// from plain float32.
std::string in_words(const profiles::Variant& policy);

/// How much there is to say about a policy: the simplest explanation is named first.
size_t complexity(const profiles::Variant& policy);

}  // namespace assay::audit
