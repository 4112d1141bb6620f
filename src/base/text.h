// Small text helpers.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {
std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view text);
/// The candidate nearest to `word` by edit distance when it is near enough to be what was meant; else empty.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);
/// Shortest decimal that reads back as the same number ("0.6480752"); nan, inf and -inf as words.
std::string shortest(float value);
std::string shortest(double value);
}  // namespace assay
