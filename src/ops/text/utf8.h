// Upper and lower case of UTF-8, code point by code point, by Unicode's own table: the host's locales differ.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::ops {

enum class Case : uint8_t { unchanged, lower, upper };

/// Each code point's simple mapping (one code point to one; sharp s stays). nullopt when `text` is not UTF-8.
std::optional<std::string> with_case(std::string_view text, Case wanted);

}  // namespace assay::ops
