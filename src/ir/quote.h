// Names and strings in the text form.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace assay::ir {
/// In double quotes; quotes, backslashes and control characters escaped as \" \\ \xHH.
std::string quoted(std::string_view text);
/// The name itself when it is letters, digits, '_', '.', '/', '@', '-' and does not start with a digit; else quoted.
std::string quoted_if_needed(std::string_view name);
bool is_name_char(char c);
std::string hex(uint64_t value);
}  // namespace assay::ir
