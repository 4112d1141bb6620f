#pragma once
#include <string_view>

namespace assay::ops {

/// Text as a number: decimal, or inf, infinity and nan in any case, with a sign and space around it. False when it is
/// none.
bool parse_number(std::string_view text, double& x);

}  // namespace assay::ops
