// Policies as one line of text: "result=float16 nearest-even; accumulator.kind=exact". Only what differs from the
// default is printed; the default policy is the empty text. What is printed parses back to the same policy.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "num/policy.h"

namespace assay::num {

/// "float16 nearest-even flush clamp limit=32768"; formats without a name as "e5m10".
std::string to_text(const Rounding& rounding);
std::string to_text(const Policy& policy);
/// What a modifier of a rounding is about ("limit=100": "limit", "toward-zero": "mode"); each is said once at most.
std::string_view rounding_topic(std::string_view word);
/// Errors: file_malformed naming the word.
Result<Rounding> parse_rounding(std::string_view text);
Result<Policy> parse_policy(std::string_view text);

}  // namespace assay::num
